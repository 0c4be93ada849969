import assert from "node:assert/strict";
import fc from "fast-check";
import { fill, readFilled } from "../../../infra/local/fill.ts";

describe("filling a template", () => {
  it("gives a whole placeholder the type of its value, and a part its text", () => {
    const template = { port: "{{ port }}", args: ["--listen=127.0.0.1:{{port}}", 7, null] };
    assert.deepEqual(fill(template, { port: 80 }), {
      port: 80,
      args: ["--listen=127.0.0.1:80", 7, null],
    });
  });

  it("leaves unknown names as they are", () => {
    assert.equal(fill("{{ other }} {{ port }}", { port: 80 }), "{{ other }} 80");
  });

  it("is undone by reading the values back, for any weights", () => {
    const template = { a: [{ weight: "{{ blue }}" }, { weight: "{{ green }}" }], name: "x" };
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (blue, green) => {
        assert.deepEqual(readFilled(template, fill(template, { blue, green })), { blue, green });
      }),
    );
  });

  it("reads nothing back from data of another shape", () => {
    const template = { weight: "{{ blue }}", name: "x" };
    assert.equal(readFilled(template, { weight: 1, name: "y" }), null);
    assert.equal(readFilled(template, { weight: 1 }), null);
    assert.equal(readFilled(template, { weight: 1, name: "x", more: 1 }), null);
    assert.equal(readFilled(template, null), null);
  });
});
