import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api } from "@kubernetes/client-node";
import { packageDirectory } from "../../../rollout/cli/project.ts";
import { ExampleProject, exampleNames } from "../../examples/example-project.ts";
import { startTypedProviders, type TypedProviders } from "../../support/typed-providers/start.ts";
import { packageNames } from "../../support/typed-providers/token-types.ts";
import { apply, readObjects, type AnyObject } from "../apply.ts";
import type { Cluster } from "../cluster.ts";
import { applyCrds } from "../gateways/crds.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { gatewayTool } from "../tool-paths.ts";
import { waitUntil } from "../wait-until.ts";

const examples = join(packageDirectory, "examples");

const commandsMs = 180_000;
const goneMs = 45_000;

/**
 * The examples that look at a cluster before they declare anything. What their READMEs have a user install is there as
 * objects alone: nothing acts on them, as nothing is deployed.
 */
describeOnCluster("the examples of a cluster", (cluster) => {
  let processes: Cluster;
  let tools: string;
  let providers: TypedProviders;
  let project: ExampleProject | undefined;

  before(async function () {
    this.timeout(commandsMs);
    const own = cluster().processes;
    if (own === undefined) return this.skip();
    processes = own;
    const { config } = processes;
    tools = await mkdtemp(join(tmpdir(), "upramp-example-tools-"));
    await writeAwsCommand(tools, config.getCurrentUser()?.token ?? "");
    const { server = "", caData = "" } = config.getCurrentCluster() ?? {};
    const reachable = { endpoint: server, certificateAuthority: caData };
    providers = await startTypedProviders(packageNames, { cluster: reachable });
    await applyCrds(config, [
      processes.tools["gateway-api-crds"],
      gatewayTool(processes.tools, "envoy-gateway-crds"),
      fileURLToPath(new URL("../app-mesh/crds", import.meta.url)),
    ]);
  });

  // the examples have namespaces of the same names
  beforeEach(async function () {
    this.timeout(commandsMs);
    await removeNamespaces();
  });

  afterEach(async () => {
    await project?.forget();
    project = undefined;
  });

  after(async () => {
    await providers?.stop();
    if (tools !== undefined) await rm(tools, { recursive: true, force: true });
  });

  async function open(name: string): Promise<ExampleProject> {
    project = await ExampleProject.copy(name, {
      ...providers.env,
      KUBECONFIG: processes.kubeconfigPath,
      PATH: [tools, process.env["PATH"] ?? ""].join(delimiter),
    });
    return project;
  }

  /** Previews the platform, has the API server take every object of it, and previews the services on it. */
  async function previewAll(name: string): Promise<void> {
    const example = await open(name);
    for (const { name: stack, kind } of await example.stacks()) {
      await example.init(stack);
      await example.preview(stack);
      if (kind !== "platform") continue;
      await example.up(stack);
      const declared = (await example.resources(stack))
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .map(({ inputs }) => inputs);
      // a Release is a chart and no object; Helm makes its namespace, in which objects of the stack may be
      const ofCharts = declared
        .filter((inputs) => inputs["createNamespace"] === true)
        .map((inputs) => namespace(String(inputs["namespace"])));
      const objects = declared.filter(
        (inputs): inputs is AnyObject => typeof inputs["kind"] === "string",
      );
      await apply(processes.config, [...ofCharts, ...objects]);
    }
  }

  async function removeNamespaces(): Promise<void> {
    const core = processes.config.makeApiClient(CoreV1Api);
    const made = async (): Promise<readonly string[]> => {
      const { items } = await core.listNamespace();
      const names = items.map(({ metadata }) => metadata?.name ?? "");
      return names.filter((name) => name !== "default" && !name.startsWith("kube-"));
    };
    const names = await made();
    await Promise.all(names.map((name) => core.deleteNamespace({ name })));
    await waitUntil(
      "the namespaces of the example are gone",
      goneMs,
      async () => (await made()).length === 0,
    );
  }

  it("previews examples/gateway-api", async function () {
    this.timeout(commandsMs);
    await apply(processes.config, [
      namespace("envoy-gateway-system"),
      ...readObjects(join(examples, "gateway-api", "gateway-class.yaml")),
    ]);
    await previewAll("gateway-api");
  });

  it("previews examples/app-mesh", async function () {
    this.timeout(commandsMs);
    await previewAll("app-mesh");
    await apply(processes.config, readObjects(join(examples, "app-mesh", "ingress.yaml")));
  });

  it("previews examples/own-program", async function () {
    this.timeout(commandsMs);
    await apply(processes.config, [
      namespace("shop"),
      namespace("projectcontour"),
      contourGateway,
      ...readObjects(join(examples, "own-program", "prometheus.yaml")),
    ]);
    const example = await open("own-program");
    await example.installPackage();
    await example.init("dev");
    await example.preview("dev");
  });

  for (const name of exampleNames().filter((one) => one.startsWith("eks-"))) {
    it(`previews examples/${name} and the services on it`, async function () {
      this.timeout(commandsMs);
      await previewAll(name);
    });
  }
});

function namespace(name: string): AnyObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

/** What the Gateway provisioner of Contour makes. */
const contourGateway: AnyObject = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { namespace: "projectcontour", name: "contour" },
  spec: {
    gatewayClassName: "contour",
    listeners: [
      { name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } },
    ],
  },
};

/** `aws eks get-token`, by which a kubeconfig of EKS gets in: here with the test cluster's token. */
async function writeAwsCommand(folder: string, token: string): Promise<void> {
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    kind: "ExecCredential",
    status: { token },
  };
  const file = join(folder, "aws");
  await writeFile(file, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`);
  await chmod(file, 0o700);
}
