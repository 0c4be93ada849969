import assert from "node:assert/strict";

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text directly inside, as written. */
  text: string;
}

const token = /<!doctype html>|<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
const reference = /&(?!(amp|lt|gt|quot|#39);)/;

/** Every element of a page, in the order of their beginnings; a test failure when it is not well-formed. */
export function elements(page: string): Element[] {
  const found: Element[] = [];
  const open: Element[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < page.length) {
    const at = token.lastIndex;
    const match = token.exec(page);
    assert.ok(match !== null, `not well-formed at: ${page.slice(at, at + 80)}`);
    const [, end, name, attributes = "", empty, content] = match;
    if (content !== undefined) {
      const inside = open.at(-1);
      assert.ok(inside?.name === "style" || !reference.test(content), `bare & in: ${content}`);
      if (inside !== undefined) inside.text += content;
    } else if (name !== undefined && end === "/") {
      assert.equal(open.pop()?.name, name, `wrong end at: ${page.slice(at, at + 80)}`);
    } else if (name !== undefined) {
      const element = { name, attributes: attributesOf(attributes), text: "" };
      found.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  assert.deepEqual(open, [], "not closed");
  return found;
}

function attributesOf(written: string): Record<string, string> {
  const pairs = [...written.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => {
    assert.ok(!reference.test(value), `bare & in: ${value}`);
    return [name, value] as const;
  });
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, `twice in: ${written}`);
  return Object.fromEntries(pairs);
}

/** The text, as written, of the section with this class. */
export function text(page: string, className: string): string {
  const [, after = ""] = page.split(`<section class="${className}">`);
  return (after.split("</section>")[0] ?? "").replace(/<[^>]*>/g, "");
}
