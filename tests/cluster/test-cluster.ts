import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { Cluster } from "./cluster.ts";
import { isInsideNamespace } from "./namespace.ts";
import { handedToolPaths } from "./tool-paths.ts";

/** Name of a kubeconfig context: the suites then run on that cluster and start none. */
export const contextVariable = "UPRAMP_CLUSTER_CONTEXT";

/** Folder for the state and logs of the cluster of this run. */
export const folderVariable = "UPRAMP_CLUSTER_FOLDER";

/** The cluster that suites run on. */
export interface TestCluster {
  readonly config: KubeConfig;
  /** The processes behind it; undefined on a real cluster, where nothing can be killed or restarted. */
  readonly processes: Cluster | undefined;
}

/** Starting waits for a control plane on a machine that may be busy. */
const startBoundMs = 90_000;

let shared: Promise<TestCluster> | undefined;

/** The cluster of this run, started on first use. */
export function sharedCluster(): Promise<TestCluster> {
  shared ??= startOrConnect();
  return shared;
}

/** Stops the cluster of this run, if one was started. */
export async function stopSharedCluster(): Promise<void> {
  const cluster = await shared?.catch(() => undefined);
  shared = undefined;
  await cluster?.processes?.stop();
}

/**
 * A mocha suite on the cluster of this run. Outside `npm run test:cluster` its tests are pending: they
 * need the namespace.
 *
 * @param body gets the cluster by a function that is good inside hooks and tests
 */
export function describeOnCluster(title: string, body: (cluster: () => TestCluster) => void): void {
  describe(title, function () {
    let cluster: TestCluster | undefined;
    before(async function () {
      if (!isInsideNamespace() && process.env[contextVariable] === undefined) this.skip();
      this.timeout(startBoundMs);
      cluster = await sharedCluster();
    });
    body(() => {
      if (cluster === undefined)
        throw new Error("the cluster is there only inside hooks and tests");
      return cluster;
    });
  });
}

async function startOrConnect(): Promise<TestCluster> {
  const context = process.env[contextVariable];
  if (context !== undefined) {
    const config = new KubeConfig();
    config.loadFromDefault();
    config.setCurrentContext(context);
    return { config, processes: undefined };
  }
  const folder = process.env[folderVariable] ?? mkdtempSync(join(tmpdir(), "upramp-cluster-"));
  const cluster = await Cluster.start({ tools: handedToolPaths(), folder });
  return { config: cluster.config, processes: cluster };
}
