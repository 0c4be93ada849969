import assert from "node:assert/strict";
import { startTypedProviders, type TypedProviders } from "../support/typed-providers/start.ts";
import { packageNames } from "../support/typed-providers/token-types.ts";
import { ExampleProject } from "./example-project.ts";

const right = {
  target: "eks",
  region: "eu-central-1",
  namespace: { name: "shop" },
  router: {
    kind: "gateway-api",
    profile: "envoy-gateway",
    gateway: { name: "public", className: "envoy-gateway" },
    install: {},
  },
  prometheus: { deploy: {} },
};

/** What is wrong, the platform's settings, and what has to be said of each fault. */
const wrong: readonly (readonly [string, object, readonly RegExp[]])[] = [
  [
    "a region and a version that are not there, and a VPC that is too small",
    {
      ...right,
      region: "eu-middle-1",
      network: { cidr: "10.0.0.0/28" },
      cluster: { version: "1.12" },
    },
    [
      /upramp:platform\.region = "eu-middle-1": is not a region/,
      /upramp:platform\.network\.cidr = "10\.0\.0\.0\/28": /,
      /upramp:platform\.cluster\.version = "1\.12": is not a version/,
    ],
  ],
  [
    "addresses that overlap and options that exclude each other",
    {
      ...right,
      network: { cidr: "10.0.0.0/16", serviceCidr: "10.0.64.0/20" },
      cluster: { autoMode: true, nodes: { min: 1 }, publicAccessCidrs: ["0.0.0.0/0"] },
    },
    [
      /upramp:platform\.network\.serviceCidr = "10\.0\.64\.0\/20": overlaps/,
      /upramp:platform\.cluster\.nodes: .*Auto Mode/,
      /upramp:platform\.cluster\.publicAccessCidrs\[0\] = "0\.0\.0\.0\/0": /,
    ],
  ],
  [
    "values of another type",
    { ...right, protect: "yes", tags: { team: 7 }, cluster: { nodes: { min: "two" } } },
    [
      /upramp:platform\.protect = "yes": /,
      /upramp:platform\.tags\.team = 7: /,
      /upramp:platform\.cluster\.nodes\.min = "two": /,
    ],
  ],
];

describe("a platform on EKS that cannot be", function () {
  this.timeout(120_000);
  let providers: TypedProviders;
  let project: ExampleProject;

  before(async () => {
    providers = await startTypedProviders(packageNames);
    project = await ExampleProject.copy("gateway-api", providers.env);
    await project.init("wrong");
  });
  after(async () => {
    await project?.forget();
    await providers?.stop();
  });

  for (const [what, settings, faults] of wrong) {
    it(`is refused with every fault in one message: ${what}`, async () => {
      const config = { "upramp:kind": "platform", "upramp:platform": settings };
      await project.configure("wrong", config);
      const { code, stdout, stderr } = await project.run(
        "up",
        "--yes",
        "--skip-preview",
        "--stack",
        "wrong",
      );
      const said = stdout + stderr;
      assert.notEqual(code, 0, said);
      for (const fault of faults) assert.match(said, fault);
      assert.doesNotMatch(said, /^ +at /m);
      const resources = await project.resources("wrong");
      assert.deepEqual(
        resources.map(({ type }) => type).filter((type) => type !== "pulumi:pulumi:Stack"),
        [],
      );
    });
  }
});
