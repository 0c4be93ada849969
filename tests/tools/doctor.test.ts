import assert from "node:assert/strict";
import { doctor, type DoctorReport, type ToolFinding } from "../../tools/doctor.ts";
import { doctorText } from "../../tools/doctor-text.ts";
import { toolNames } from "../../tools/table.ts";
import {
  scriptPrinting,
  temporaryHost,
  type TemporaryHost,
  writeProgram,
} from "./temporary-host.ts";

describe("the doctor", () => {
  let host: TemporaryHost;

  beforeEach(async () => {
    host = await temporaryHost("");
  });
  afterEach(async () => await host.remove());

  function finding(report: DoctorReport, name: string): ToolFinding {
    const found = report.tools.find((tool) => tool.name === name);
    assert.ok(found);
    return found;
  }

  it("reports an empty machine: everything but Node is missing, with what to do", async () => {
    const report = await doctor(host);
    assert.deepEqual(
      report.tools.map((tool) => tool.name),
      toolNames,
    );
    assert.equal(report.ready, false);
    for (const tool of report.tools) {
      assert.equal(tool.state, tool.name === "node" ? "found" : "missing", tool.name);
      assert.equal(tool.advice === undefined, tool.state === "found", tool.name);
    }
    assert.ok(report.builders.every((builder) => builder.version === undefined));
    const text = doctorText(report);
    assert.match(text, /Not ready: run `npm run setup`/);
    assert.match(text, /envoy +missing \(>= 1\.36\.0 and < 2\.0\.0\)/);
    assert.match(text, /go +missing \(builds pulumi/);
  });

  it("is ready with installed tools, and asks for no parts that the official CLI brings", async () => {
    const programs = {
      pulumi: "v3.260.0",
      "pulumi-language-nodejs": "",
      envoy: "envoy  version: abc/1.40.1/Clean/RELEASE/BoringSSL",
      prometheus: "prometheus, version 3.16.0",
    };
    for (const [name, text] of Object.entries(programs)) {
      await writeProgram(host.binFolder, name, scriptPrinting(text));
    }
    const report = await doctor(host);
    assert.equal(report.ready, true);
    assert.equal(finding(report, "envoy").version, "1.40.1");
    assert.equal(finding(report, "envoy").source, "path");
    assert.equal(finding(report, "pulumi-language-nodejs").state, "not needed");
    assert.match(doctorText(report), /Ready: a rollout can start\.\n$/);
  });

  it("says which program it does not use, and why", async () => {
    const path = await writeProgram(host.binFolder, "pulumi", scriptPrinting("v2.25.0"));
    const report = await doctor(host);
    assert.deepEqual(finding(report, "pulumi").unsuitable, [
      { path, why: "version 2.25.0, upramp needs >= 3.240.0 and < 4.0.0" },
    ]);
    assert.ok(doctorText(report).includes(`not used: ${path}: version 2.25.0`));
  });

  it("calls a machine without Envoy and Prometheus ready for a cluster", async () => {
    for (const name of ["pulumi", "pulumi-language-nodejs"]) {
      await writeProgram(host.binFolder, name, scriptPrinting("v3.260.0"));
    }
    const report = await doctor(host);
    assert.deepEqual([report.ready, report.readyLocally], [true, false]);
    assert.match(doctorText(report), /Ready: a rollout on a cluster can start\. For one on this/);
  });

  it("names for an installed package only what it runs, and no script of a checkout", async () => {
    const report = await doctor(host, false);
    assert.ok(report.tools.every(({ name }) => !/etcd|kube|contour|crds/.test(name)));
    const text = doctorText(report);
    assert.doesNotMatch(text, /npm run|Tests|cluster \(only/);
    assert.match(text, /upramp gets 3\.\d+\.0 \(official release.* when a command first needs it/);
    assert.match(text, /target local alone: `upramp demo` gets/);
    assert.match(text, /Not ready: upramp gets what is missing when a command first needs it/);
  });

  it("survives being printed as JSON", async () => {
    const report = await doctor(host);
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });
});
