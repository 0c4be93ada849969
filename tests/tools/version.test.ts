import assert from "node:assert/strict";
import fc from "fast-check";
import { compareVersions, formatVersion, isWithin, parseVersion } from "../../tools/version.ts";

describe("tool versions", () => {
  const printed: readonly (readonly [string, string, string])[] = [
    ["pulumi", "v3.255.0\n", "3.255.0"],
    ["envoy", "envoy  version: 9e5580933739775e/1.40.0/Clean/RELEASE/BoringSSL", "1.40.0"],
    ["prometheus", "prometheus, version 2.42.0+ds (branch: debian/sid, revision: x)", "2.42.0"],
    ["node", "v24.21.0\n", "24.21.0"],
    ["etcd", "etcd Version: 3.6.16\nGit SHA: GitNotFound\nGo Version: go1.26.8", "3.6.16"],
    ["kube-apiserver", "Kubernetes v1.37.2\n", "1.37.2"],
    [
      "kubectl",
      "Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0",
      "1.32.4-dispatcher",
    ],
    ["an alpha", "3.256.0-alpha.xabcdef", "3.256.0-alpha.xabcdef"],
  ];
  for (const [tool, text, version] of printed) {
    it(`reads what ${tool} prints`, () => {
      const parsed = parseVersion(text);
      assert.ok(parsed);
      assert.equal(formatVersion(parsed), version);
    });
  }

  it("finds no version in other text", () => {
    assert.equal(parseVersion("command not found"), undefined);
    assert.equal(parseVersion("go1.26"), undefined);
  });

  const range = { atLeast: "3.240.0", below: "4.0.0" };
  const placed: readonly (readonly [string, boolean])[] = [
    ["3.239.99", false],
    ["3.240.0-alpha.1", false],
    ["3.240.0", true],
    ["3.255.0", true],
    ["3.1000.0", true],
    ["4.0.0-alpha.1", false],
    ["4.0.0", false],
  ];
  for (const [text, expected] of placed) {
    it(`${expected ? "accepts" : "refuses"} ${text} where 3.240.0 up to 4.0.0 is wanted`, () => {
      const version = parseVersion(text);
      assert.ok(version);
      assert.equal(isWithin(version, range), expected);
    });
  }

  it("refuses a range that is none", () => {
    const version = parseVersion("1.2.3");
    assert.ok(version);
    assert.throws(() => isWithin(version, { atLeast: "1", below: "2.0.0" }), /not a version range/);
  });

  const numbers = fc.tuple(fc.nat(), fc.nat(), fc.nat());
  const tag = fc.constantFrom("", "alpha", "rc.1");

  it("survives a round trip through text", () => {
    fc.assert(
      fc.property(numbers, tag, (three, preRelease) => {
        const version = { numbers: three, preRelease };
        assert.deepEqual(parseVersion(formatVersion(version)), version);
      }),
    );
  });

  it("is a total order", () => {
    const version = fc.record({ numbers, preRelease: tag });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const forth = Math.sign(compareVersions(a, b));
        const back = Math.sign(compareVersions(b, a));
        assert.equal(forth + back, 0);
        assert.equal(forth === 0, formatVersion(a) === formatVersion(b));
      }),
    );
  });
});
