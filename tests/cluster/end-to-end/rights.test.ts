import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { packageDirectory } from "../../../rollout/cli/project.ts";
import { documentedRights, type RightsObject } from "../../docs/rights.ts";
import {
  startKubernetesProvider,
  type KubernetesProviderProcess,
} from "../../support/kubernetes-provider/start.ts";
import { apiRequest } from "../api-request.ts";
import { apply } from "../apply.ts";
import { limitedAccess } from "../contracts/access.ts";
import { ClusterProject, type ClusterService } from "./cluster-project.ts";
import type { TestGateway } from "../gateways/gateway.ts";
import { startGateway } from "../gateways/gateways.ts";
import { Load } from "../load.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { TestNamespace } from "../test-namespace.ts";

/** The user that the documentation binds the roles to. */
const user = "deployer";

const exampleSchema = z.object({
  config: z.object({
    "upramp:service": z.looseObject({
      route: z.object({ hostnames: z.tuple([z.string()]) }),
      revision: z.looseObject({ image: z.string() }),
    }),
  }),
});

/** The stack file of `examples/gateway-api`. */
async function exampleService(): Promise<
  z.output<typeof exampleSchema>["config"]["upramp:service"]
> {
  const file = join(packageDirectory, "examples", "gateway-api", "Pulumi.dev-podinfo.yaml");
  return exampleSchema.parse(parse(await readFile(file, "utf8"))).config["upramp:service"];
}

describeOnCluster("the rights of docs/routers.md", (cluster) => {
  let gateway: TestGateway;
  let space: TestNamespace;
  let provider: KubernetesProviderProcess;
  let project: ClusterProject;
  let service: ClusterService;
  let example: Awaited<ReturnType<typeof exampleService>>;
  let rights: readonly RightsObject[];

  before(async function () {
    this.timeout(180_000);
    const { processes, config } = cluster();
    if (processes === undefined) return this.skip();
    gateway = await startGateway("contour", processes);
    provider = await startKubernetesProvider({ settleMs: 300 });
    space = await TestNamespace.create(cluster(), "rights");
    // who deploys the platform may do all
    project = await ClusterProject.deploy(cluster(), provider, {
      namespace: { name: space.name, create: false },
      router: { kind: "gateway-api", profile: "contour", gateway: gateway.gateway },
      prometheus: { deploy: { scrapeInterval: "1s", targets: [gateway.statsAddress] } },
    });
    rights = documentedRights((text) =>
      text
        .replaceAll(/\bshop\b/g, space.name)
        .replaceAll("namespace: gateways", `namespace: ${gateway.gateway.namespace}`),
    );
    example = await exampleService();
    service = await project.declareService({
      service: example,
      rollout: {
        interval: "3s",
        steps: [50],
        metrics: [{ name: "request-success-rate", range: { min: 99 } }],
        bake: "1s",
        limits: { ready: "30s" },
      },
    });
    // who deploys services may do nothing yet
    const { kubeconfig = "" } = await limitedAccess(cluster(), space.name, user, []);
    await writeFile(join(project.directory, "kubeconfig"), kubeconfig, { mode: 0o600 });
    assert.match(kubeconfig, new RegExp(user));
    await apply(config, rights.map(withoutRoutes));
  });

  after(async function () {
    this.timeout(90_000);
    if (project === undefined) return;
    await writeFile(join(project.directory, "kubeconfig"), cluster().config.exportConfig());
    if (service !== undefined) assert.equal((await service.destroy()).code, 0);
    await project.remove();
    await provider.stop();
    await space.remove();
  });

  /** Takes away what the driver alone does without. */
  async function unbind(): Promise<void> {
    const bindings = rights.filter(
      ({ kind, metadata: { namespace } }) => kind.endsWith("Binding") && namespace !== space.name,
    );
    assert.equal(bindings.length, 2);
    for (const { kind, metadata } of bindings) {
      const scope = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
      const path = `/apis/rbac.authorization.k8s.io/v1${scope}/${kind.toLowerCase()}s/${metadata.name}`;
      await apiRequest(cluster().config, "DELETE", path);
    }
  }

  it("are told by name where one is missing", async function () {
    this.timeout(60_000);
    const { code, stdout, stderr } = await service.up().done;
    assert.notEqual(code, 0);
    assert.match(
      stdout + stderr,
      new RegExp(`User "${user}" cannot create resource "httproutes" in API group "gateway`),
    );
  });

  it("suffice to deploy the service of the example, and fewer to roll out a version of it", async function () {
    this.timeout(150_000);
    await apply(cluster().config, [...rights]);
    const up = await service.up().done;
    assert.equal(up.code, 0, up.stdout + up.stderr);
    await unbind();
    const [host] = example.route.hostnames;
    const load = new Load({ url: gateway.url, headers: { host }, requestsPerSecond: 50 });
    const image = example.revision.image.replace(/\d+$/, (last) => String(Number(last) + 1));
    const run = await service.run("--revision", image).done;
    const outcomes = await load.stop();
    assert.equal(run.code, 0, run.stdout + run.stderr);
    assert.match(run.stdout + run.stderr, /step 1\/1 +50 % +pass/);
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 200),
      [],
    );
  });
});

/** The same role, with routes for reading only. */
function withoutRoutes(object: RightsObject): RightsObject {
  const { rules } = object;
  if (rules === undefined) return object;
  return {
    ...object,
    rules: rules.map((rule) =>
      rule.resources.includes("httproutes") ? { ...rule, verbs: ["get"] } : rule,
    ),
  };
}
