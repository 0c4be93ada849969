import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Folder of the checkout. */
export const root = join(import.meta.dirname, "..", "..");

/** A file of the checkout. */
export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** What follows the comment `<!-- name -->`, which has to be there once. */
function after(text: string, name: string): string {
  const parts = text.split(`<!-- ${name} -->\n`);
  const [, rest, ...more] = parts;
  if (rest === undefined || more.length > 0) {
    throw new Error(`${parts.length - 1} comments <!-- ${name} -->`);
  }
  return rest;
}

/** The cells of the table behind a comment, row by row, its head first. */
export function tableAfter(text: string, name: string): readonly (readonly string[])[] {
  const lines = after(text, name).trimStart().split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  const [head, , ...rows] = lines.slice(0, end === -1 ? lines.length : end);
  if (head === undefined) throw new Error(`no table behind <!-- ${name} -->`);
  return [head, ...rows].map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** The content of the fenced block behind a comment. */
export function blockAfter(text: string, name: string): string {
  const [, content] = /^```\w*\n([\s\S]*?)^```$/m.exec(after(text, name)) ?? [];
  if (content === undefined) throw new Error(`no block behind <!-- ${name} -->`);
  return content;
}

/** What is between `<!-- name -->` and `<!-- end of name -->`. */
export function between(text: string, name: string): string {
  const [inside, rest] = after(text, name).split(`<!-- end of ${name} -->`);
  if (inside === undefined || rest === undefined) throw new Error(`no <!-- end of ${name} -->`);
  return inside;
}
