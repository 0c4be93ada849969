import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Secret,
  conceal,
  decode,
  encode,
  hasSecret,
  hasUnknown,
  reveal,
  unknownValue,
} from "./property-values.ts";

describe("property values", () => {
  it("are the same after a way over the wire", () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(unknownValue),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z]+$/), tie("value"), {
          maxKeys: 3,
          noNullPrototype: true,
        }),
        tie("value").map((inner) => new Secret(inner)),
      ),
    }));
    const bag = fc.dictionary(fc.stringMatching(/^[a-z]+$/), value, { noNullPrototype: true });
    fc.assert(fc.property(bag, (fields) => assert.deepEqual(decode(encode(fields)), fields)));
  });

  it("are told to the server in clear and to the engine as secret as they came", () => {
    const inputs = { data: { a: new Secret("1"), b: "2" }, list: ["x", new Secret("y")] };
    const clear = { data: { a: "1", b: "2" }, list: ["x", "y"] };
    assert.deepEqual(reveal(inputs), clear);
    const answer = { ...clear, data: { ...clear.data, c: "3" } };
    assert.deepEqual(conceal(answer, inputs), {
      data: { a: new Secret("1"), b: "2", c: "3" },
      list: new Secret(["x", "y"]),
    });
    assert.deepEqual(conceal({ data: { a: "1" } }, { data: new Secret({ a: "1" }) }), {
      data: new Secret({ a: "1" }),
    });
  });

  it("are found inside of others", () => {
    assert.equal(hasSecret({ a: [{ b: new Secret(1) }] }), true);
    assert.equal(hasUnknown({ a: new Secret([unknownValue]) }), true);
    assert.equal(hasUnknown({ a: "plain" }), false);
  });

  it("have schema extensions in the server's spelling, and back", () => {
    const spelled = { schema: { x_kubernetes_int_or_string: true, x_own_field: 1 } };
    const dashed = { schema: { "x-kubernetes-int-or-string": true, x_own_field: 1 } };
    assert.deepEqual(reveal(spelled), dashed);
    assert.deepEqual(conceal(dashed, {}), spelled);
  });
});
