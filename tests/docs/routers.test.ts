import assert from "node:assert/strict";
import { profileNames } from "../../infra/router-contract.ts";
import { capabilities, gatewayProfiles } from "../../infra/routers/gateway-profiles.ts";
import { driverRights } from "../cluster/contracts/driver-rights.ts";
import { between, tableAfter, textOf } from "./markdown.ts";
import { documentedRights } from "./rights.ts";

const text = textOf("docs/routers.md");

function yes(is: boolean): string {
  return is ? "yes" : "no";
}

describe("docs/routers.md", () => {
  it("has the table of profiles that the program goes by", () => {
    const [, ...rows] = tableAfter(text, "profiles");
    const expected = profileNames.map((name) => {
      const { title, isTested, parent, queries, grpcQueries, limits } = gatewayProfiles[name];
      return [
        `\`${name}\``,
        title,
        yes(isTested),
        parent,
        yes(Object.keys(queries).length > 0),
        yes(Object.keys(grpcQueries).length > 0),
        ...[limits.hostnames, limits.matchesPerRule, limits.headersPerMatch].map(String),
      ];
    });
    assert.deepEqual(rows, expected);
  });

  it("says what each of them can do", () => {
    const [head, ...rows] = tableAfter(text, "capabilities");
    assert.deepEqual(head?.slice(2), profileNames);
    const found = rows.map(([capability, , ...cells]) => [capability, ...cells]);
    const expected = capabilities.map((capability) => [
      `\`${capability}\``,
      ...profileNames.map((name) => (gatewayProfiles[name].can.has(capability) ? "yes" : "")),
    ]);
    assert.deepEqual(found, expected);
  });

  it("says what to set up and to avoid with each of them", () => {
    const found = between(text, "notes")
      .split("\n")
      .filter((line) => line !== "");
    const expected = profileNames.flatMap((name) => [
      `- **${name}**`,
      ...gatewayProfiles[name].notes.map((note) => `  - ${note}`),
    ]);
    assert.deepEqual(found, expected);
  });

  it("names the profiles that have a keeper", () => {
    const named = profileNames.filter((name) => gatewayProfiles[name].needsKeeper);
    const section = /^### The keeper$([\s\S]*?)^##/m.exec(text)?.[1] ?? "";
    for (const name of profileNames) {
      assert.equal(section.includes(`\`${name}\``), named.includes(name), name);
    }
  });

  it("gives the driver the rights that its store was tested with", () => {
    const [role] = documentedRights();
    assert.equal(role?.kind, "Role");
    for (const { apiGroups, resources, verbs } of driverRights) {
      const found: object | undefined = role?.rules?.find(
        (rule) => rule.resources.join() === resources.join(),
      );
      assert.deepEqual(found, { apiGroups, resources, verbs });
    }
  });

  it("binds each role that it names", () => {
    const objects = documentedRights();
    const ids = (kinds: readonly string[]): readonly string[] =>
      objects
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`)
        .toSorted();
    assert.deepEqual(ids(["Role", "ClusterRole"]), ids(["RoleBinding", "ClusterRoleBinding"]));
    assert.ok(objects.length > 0);
  });
});
