import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { makeStagingFolder, publish } from "../../tools/cache-entry.ts";
import { pulumiEnvironment } from "../../tools/environment.ts";
import { silentProgress } from "../../tools/progress.ts";
import { type ToolName, toolRow } from "../../tools/table.ts";
import {
  scriptPrinting,
  temporaryHost,
  type TemporaryHost,
  writeProgram,
} from "./temporary-host.ts";

describe("the environment of the pulumi CLI", () => {
  let host: TemporaryHost;

  beforeEach(async () => {
    host = await temporaryHost("/usr/bin:/bin");
    for (const name of ["pulumi-analyzer-policy-nodejs", "pulumi-language-nodejs"] as const) {
      await putInCache(name);
    }
  });
  afterEach(async () => await host.remove());

  async function putInCache(name: ToolName): Promise<void> {
    const staging = await makeStagingFolder(host, name);
    const version = toolRow(name).pinned;
    await writeProgram(join(staging, "bin"), name, scriptPrinting(version));
    await publish(host, staging, { name, version, source: "registry", origin: "a test" });
  }

  async function environment(
    program: "inline" | "project",
    variables: Record<string, string> = {},
  ): Promise<Record<string, string>> {
    const env = { PATH: host.env["PATH"], ...variables };
    return await pulumiEnvironment({
      program,
      progress: silentProgress,
      host: { ...host, env },
    });
  }

  function folders(variables: Record<string, string>): readonly string[] {
    return (variables["PATH"] ?? "").split(delimiter);
  }

  it("puts this Node first, then pulumi, then the rest of the user's PATH", async () => {
    await putInCache("pulumi");
    const path = folders(await environment("inline"));
    assert.equal(path[0], dirname(process.execPath));
    assert.match(path[1] ?? "", /pulumi-3\.\d+\.0-.*\/bin$/);
    assert.deepEqual(path.slice(-2), ["/usr/bin", "/bin"]);
  });

  it("gives a CLI of our own the policy starter for inline programs, the language host for projects, never both", async () => {
    await putInCache("pulumi");
    for (const [program, wanted, other] of [
      ["inline", "pulumi-analyzer-policy-nodejs", "pulumi-language-nodejs"],
      ["project", "pulumi-language-nodejs", "pulumi-analyzer-policy-nodejs"],
    ] as const) {
      const variables = await environment(program);
      assert.ok(folders(variables).some((folder) => folder.includes(wanted)));
      assert.ok(!folders(variables).some((folder) => folder.includes(other)));
      assert.equal(variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
    }
  });

  it("leaves an official CLI as it is, also behind a link", async () => {
    const official = join(host.folder, "official");
    await writeProgram(official, "pulumi", scriptPrinting("v3.260.0"));
    await writeProgram(official, "pulumi-language-nodejs", scriptPrinting(""));
    await mkdir(host.binFolder, { recursive: true });
    await symlink(join(official, "pulumi"), join(host.binFolder, "pulumi"));
    const variables = await environment("inline");
    assert.equal(folders(variables)[1], host.binFolder);
    assert.ok(!folders(variables).some((folder) => folder.startsWith(host.cacheFolder)));
    assert.equal(variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], undefined);
  });

  it("keeps what the user set, and sets neither backend nor passphrase", async () => {
    await putInCache("pulumi");
    const variables = await environment("inline", {
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "false",
      NODE_COMPILE_CACHE: "/elsewhere",
    });
    assert.equal(variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "false");
    assert.equal(variables["NODE_COMPILE_CACHE"], "/elsewhere");
    assert.deepEqual(
      Object.keys(variables)
        .filter((name) => /BACKEND|PASSPHRASE|TOKEN|HOME/.test(name))
        .toSorted(),
      [],
    );
  });
});
