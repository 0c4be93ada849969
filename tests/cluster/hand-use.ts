import { once } from "node:events";
import { sharedCluster, stopSharedCluster } from "./test-cluster.ts";
import { gatewayNames } from "./gateways/gateway.ts";
import { startGateway } from "./gateways/gateways.ts";

/** Runs inside the namespace: starts the cluster and the gateways asked for, and waits for Ctrl-C. */
const asked = process.argv.slice(2);
const stopping = new AbortController();
process.on("SIGINT", () => stopping.abort());
process.on("SIGTERM", () => stopping.abort());
try {
  const startedAt = performance.now();
  const cluster = await sharedCluster();
  if (cluster.processes === undefined) throw new Error("hand use is for the process cluster");
  for (const name of gatewayNames.filter((known) => asked.includes(known))) {
    const gateway = await startGateway(name, cluster.processes);
    console.log(
      `${name}: GatewayClass ${gateway.className}, Gateway ${gateway.gateway.namespace}/${gateway.gateway.name}, ${gateway.url}`,
    );
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`The cluster is ready after ${seconds} s.`);
  console.log(`KUBECONFIG=${cluster.processes.kubeconfigPath}`);
  console.log("Its API server is reachable only inside its namespace; from another terminal:");
  console.log("  npm run cluster -- exec kubectl get pods --all-namespaces");
  console.log("  npm run cluster -- exec bash");
  console.log("Ctrl-C stops it and removes everything.");
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
} finally {
  await stopSharedCluster();
}
process.exit(0);
