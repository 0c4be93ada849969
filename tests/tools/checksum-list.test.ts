import assert from "node:assert/strict";
import { checksumFor } from "../../tools/ways/checksum-list.ts";

describe("published checksum lists", () => {
  const a = "a".repeat(64);
  const b = "b".repeat(64);
  const long = "c".repeat(128);
  const cases: readonly { name: string; list: string; expected: string | undefined }[] = [
    { name: "sha256sum's lines", list: `${b}  other\n${a}  tool.tar.gz\n`, expected: a },
    { name: "binary mode and a leading ./", list: `${a} *./tool.tar.gz\n`, expected: a },
    { name: "sha512sum's lines", list: `${long}  tool.tar.gz\n`, expected: long },
    { name: "upper case", list: `${a.toUpperCase()}  tool.tar.gz\n`, expected: a },
    {
      name: "a signed message",
      list: `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n${a}  tool.tar.gz\n-----BEGIN PGP SIGNATURE-----\nabc\n`,
      expected: a,
    },
    { name: "JSON", list: `{"sha256sums": {\n"tool.tar.gz": "${a}",\n"x": "${b}"}}`, expected: a },
    { name: "a file with the sum alone", list: `${a}\n`, expected: a },
    { name: "a name that only ends alike", list: `${a}  my-tool.tar.gz\n`, expected: undefined },
    { name: "a name that only starts alike", list: `${a}  tool.tar.gz.sig\n`, expected: undefined },
    {
      name: "two sums for one name",
      list: `${a}  tool.tar.gz\n${b}  tool.tar.gz\n`,
      expected: undefined,
    },
    { name: "a web page", list: "<html>tool.tar.gz</html>", expected: undefined },
    { name: "nothing", list: "", expected: undefined },
  ];
  for (const { name, list, expected } of cases) {
    it(`${expected === undefined ? "finds no sum in" : "reads"} ${name}`, () => {
      assert.equal(checksumFor("tool.tar.gz", list)?.hex, expected);
    });
  }

  it("tells the algorithm by the length", () => {
    assert.equal(checksumFor("t", a)?.algorithm, "sha256");
    assert.equal(checksumFor("t", long)?.algorithm, "sha512");
  });
});
