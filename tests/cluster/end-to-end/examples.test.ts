import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api } from "@kubernetes/client-node";
import { packageDirectory } from "../../../rollout/cli/project.ts";
import { ExampleProject } from "../../examples/example-project.ts";
import { startTypedProviders, type TypedProviders } from "../../support/typed-providers/start.ts";
import { apply, readObjects, type AnyObject } from "../apply.ts";
import type { Cluster } from "../cluster.ts";
import { applyCrds } from "../gateways/crds.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { gatewayTool } from "../tool-paths.ts";
import { waitUntil } from "../wait-until.ts";

const examples = join(packageDirectory, "examples");

const commandsMs = 120_000;
const goneMs = 45_000;

/**
 * The examples that look at a cluster before they declare anything. What their READMEs have a user install is there as
 * objects alone: nothing acts on them, as nothing is deployed.
 */
describeOnCluster("the examples of a cluster", (cluster) => {
  let processes: Cluster;
  let providers: TypedProviders;
  let project: ExampleProject | undefined;

  before(async function () {
    this.timeout(commandsMs);
    const own = cluster().processes;
    if (own === undefined) return this.skip();
    processes = own;
    providers = await startTypedProviders(["kubernetes"]);
    const { config, tools } = processes;
    const meshCrds = fileURLToPath(new URL("../app-mesh/crds", import.meta.url));
    await applyCrds(config, [
      tools["gateway-api-crds"],
      gatewayTool(tools, "envoy-gateway-crds"),
      meshCrds,
    ]);
  });

  afterEach(async function () {
    this.timeout(commandsMs);
    await project?.remove();
    project = undefined;
  });

  after(() => providers?.stop());

  async function open(name: string): Promise<ExampleProject> {
    project = await ExampleProject.copy(name, {
      ...providers.env,
      KUBECONFIG: processes.kubeconfigPath,
    });
    return project;
  }

  /** Previews the platform, has the API server take every object of it, and previews the service on it. */
  async function previewBoth(name: string): Promise<void> {
    const example = await open(name);
    await example.init("dev");
    await example.preview("dev");
    await example.up("dev");
    const declared = await example.declared("dev", "kubernetes");
    // what a resource of the kubernetes package takes is an object
    await apply(
      processes.config,
      declared.map(({ inputs }) => inputs as AnyObject),
    );
    await example.init("dev-podinfo");
    await example.preview("dev-podinfo");
  }

  /** The next example has a namespace of that name too. */
  async function removeShop(): Promise<void> {
    const core = processes.config.makeApiClient(CoreV1Api);
    await core.deleteNamespace({ name: "shop" });
    await waitUntil("namespace shop is gone", goneMs, async () => {
      const { items } = await core.listNamespace();
      return !items.some(({ metadata }) => metadata?.name === "shop");
    });
  }

  it("previews examples/gateway-api", async function () {
    this.timeout(commandsMs);
    const { config } = processes;
    await apply(config, [
      namespace("envoy-gateway-system"),
      ...readObjects(join(examples, "gateway-api", "gateway-class.yaml")),
    ]);
    await previewBoth("gateway-api");
    await removeShop();
  });

  it("previews examples/app-mesh", async function () {
    this.timeout(commandsMs);
    await previewBoth("app-mesh");
    await apply(processes.config, readObjects(join(examples, "app-mesh", "ingress.yaml")));
    await removeShop();
  });

  it("previews examples/own-program", async function () {
    this.timeout(commandsMs);
    const { config } = processes;
    await apply(config, [
      namespace("shop"),
      namespace("projectcontour"),
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { namespace: "projectcontour", name: "contour" },
        spec: {
          gatewayClassName: "contour",
          listeners: [
            {
              name: "http",
              port: 80,
              protocol: "HTTP",
              allowedRoutes: { namespaces: { from: "All" } },
            },
          ],
        },
      },
      ...readObjects(join(examples, "own-program", "prometheus.yaml")),
    ]);
    const example = await open("own-program");
    await example.installPackage();
    await example.init("dev");
    await example.preview("dev");
  });
});

function namespace(name: string): AnyObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
