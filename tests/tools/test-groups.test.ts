import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import {
  clusterGroups,
  isOnCluster,
  plainGroups,
  type TestGroup,
} from "../../tools/test-groups.ts";

const filesOf = ({ args }: TestGroup): string[] =>
  args.filter((argument) => argument.endsWith(".test.ts"));

describe("groups of tests", () => {
  it("have every test file of this package once", () => {
    const root = join(import.meta.dirname, "..", "..");
    const files = globSync("tests/**/*.test.ts", { cwd: root }).toSorted();
    const groups = [
      ...plainGroups(files.filter((file) => !isOnCluster(file))),
      ...clusterGroups(files.filter(isOnCluster)),
    ];
    assert.deepEqual(groups.flatMap(filesOf).toSorted(), files);
    const names = groups.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    // What a rule names is there: one for files that are gone would say nothing.
    for (const name of ["rollouts", "local stacks", "bad input", "cluster: kubernetes-provider"]) {
      assert.ok(names.includes(name), `${name} is not among ${names.join(", ")}`);
    }
  });

  const shared = ["tests/cluster/cluster.test.ts", "tests/cluster/gateways/gateways.test.ts"];
  const own = ["contour", "app-mesh"].map((name) => `tests/cluster/end-to-end/${name}.test.ts`);

  it("share a cluster, but for end-to-end files, which have one each", () => {
    const groups = clusterGroups([...shared, ...own]);
    assert.deepEqual(groups.map(filesOf), [shared, [own[0]], [own[1]]]);
    assert.ok(groups.every(({ needsCluster }) => needsCluster === true));
  });

  it("may be empty only where a choice of tests is made over several", () => {
    const mayBeEmpty = (groups: readonly TestGroup[]): unknown[] =>
      groups.map((group) => group.mayBeEmpty);
    assert.deepEqual(mayBeEmpty(clusterGroups([...shared, ...own])), [false, false, false]);
    assert.deepEqual(mayBeEmpty(clusterGroups(shared, "crash loop")), [false]);
    assert.deepEqual(mayBeEmpty(clusterGroups([...shared, ...own], "x")), [true, true, true]);
    const [group] = clusterGroups(shared, "crash loop");
    assert.deepEqual(group?.args.slice(1, 3), ["--grep", "crash loop"]);
  });
});
