import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { makeInformer, type V1Pod } from "@kubernetes/client-node";
import { connect } from "./api.ts";
import { Binder } from "./binding.ts";
import { kubeletConfigSchema } from "./config.ts";
import { Events } from "./events.ts";
import { ImageTable } from "./images.ts";
import { registerNode } from "./node.ts";
import { Pods } from "./pods.ts";
import { serve } from "./server.ts";
import { UsageMeter } from "./usage.ts";

/** How long a broken watch waits before it starts again, in ms. */
const rewatchMs = 200;

const configPath = process.argv[2];
if (configPath === undefined) throw new Error("usage: kubelet/main.ts CONFIG.json");
const config = kubeletConfigSchema.parse(JSON.parse(readFileSync(configPath, "utf8")));

const ending = new AbortController();
const api = connect(config.kubeconfigPath);
const events = new Events(api);
const pods = new Pods({
  api,
  nodeName: config.nodeName,
  images: new ImageTable(config.images),
  events,
  baseEnv: config.baseEnv,
  folder: config.folder,
});
const binder = new Binder(api, config, events, ending.signal);
const informer = makeInformer<V1Pod>(api.config, "/api/v1/pods", () =>
  api.core.listPodForAllNamespaces(),
);

function see(pod: V1Pod): void {
  // The client swallows what a callback throws, and the kubelet would be deaf without a word.
  try {
    binder.see(pod);
    if (pod.spec?.nodeName === config.nodeName) pods.see(pod);
  } catch (error) {
    fail(error);
  }
}

function forget(pod: V1Pod): void {
  try {
    binder.forget(pod);
    pods.forget(pod);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): never {
  console.error(error);
  pods.killAll();
  process.exit(1);
}

async function watchAgain(): Promise<void> {
  await sleep(rewatchMs);
  if (!ending.signal.aborted) await informer.start();
}

function stop(): void {
  ending.abort();
  pods.killAll();
  process.exit(0);
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
process.on("uncaughtException", fail);
informer.on("add", see);
informer.on("update", see);
informer.on("delete", forget);
informer.on("error", () => void watchAgain());

await registerNode(api, config, ending.signal);
const existing = await api.core.listPodForAllNamespaces();
pods.skipAddresses(existing.items.length === 0 ? 0 : addressesGivenOut(existing.items));
await serve(config, pods, new UsageMeter(ending.signal), ending.signal);
await informer.start();

function addressesGivenOut(items: readonly V1Pod[]): number {
  const indexes = items.map(({ status }) => {
    const [, , high = 0, low = 0] = (status?.podIP ?? "").split(".").map(Number);
    return high * 256 + low - 256;
  });
  return Math.max(0, ...indexes);
}
