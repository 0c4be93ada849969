import assert from "node:assert/strict";
import type { V1PodSpec } from "@kubernetes/client-node";
import { KubernetesApi } from "../../../rollout/adapters/kubernetes-api.ts";
import { KubernetesWorkloads } from "../../../rollout/adapters/kubernetes-workloads.ts";
import type { Readiness } from "../../../rollout/core/decide.ts";
import { deployment, firstContainer, TestNamespace } from "../test-namespace.ts";
import type { AnyObject } from "../apply.ts";
import { podinfoPod } from "../podinfo-template.ts";
import { describeOnCluster } from "../test-cluster.ts";
import { waitUntil } from "../wait-until.ts";
import { clusterAccess } from "./access.ts";
import { slotNames, workloads } from "./slot-objects.ts";

/** The back-off after the first two crashes of a real kubelet. */
const boundMs = 40_000;

const never = new AbortController().signal;

/** So that a Deployment gives up within the test. */
const soon = { progressDeadlineSeconds: 3 };

describeOnCluster("KubernetesWorkloads", (cluster) => {
  let space: TestNamespace;
  let reader: KubernetesWorkloads;

  beforeEach(async () => {
    space = await TestNamespace.create(cluster(), "words");
    const api = KubernetesApi.open(clusterAccess(cluster()));
    reader = new KubernetesWorkloads(api, space.name, workloads);
  });

  afterEach(() => space.remove());

  const pod = (env: Readonly<Record<string, string>> = {}, more = {}): V1PodSpec =>
    podinfoPod(cluster(), "1.0.0", env, more);
  const green = async (): Promise<Readiness> => (await reader.read(never)).green;

  /** Resolves with how long it took until the slot said that it has failed, in words that match. */
  async function fails(words: RegExp): Promise<void> {
    const startedAt = performance.now();
    let last: Readiness | undefined;
    await waitUntil(
      `the slot says ${words}`,
      boundMs,
      async () => {
        last = await green();
        return words.test(last.failed ?? "");
      },
      () => JSON.stringify(last),
    );
    console.log(`      after ${Math.round(performance.now() - startedAt)} ms: ${last?.failed}`);
  }

  it("gives nothing ready and nothing wanted of a slot that is not there", async () => {
    assert.deepEqual(await reader.read(never), {
      blue: { ready: 0, wanted: 0 },
      green: { ready: 0, wanted: 0 },
    });
  });

  it("counts a slot as whole once all its pods are available", async () => {
    await space.applyDeployment(slotNames.green, 2, pod());
    assert.deepEqual(await green(), { ready: 0, wanted: 2 });
    await space.untilRolledOut(slotNames.green);
    assert.deepEqual(await green(), { ready: 2, wanted: 2 });
  });

  it("says how a container ends that crashes, in its own last words", async () => {
    const env = { EXIT_AFTER_MS: "50", EXIT_CODE: "3", NEVER_READY: "1" };
    const more = { terminationMessagePolicy: "FallbackToLogsOnError" };
    await space.applyDeployment(slotNames.green, 1, pod(env, more));
    await fails(
      /^pod podinfo-green-\S+: container podinfo: CrashLoopBackOff; it ended with exit code 3, saying "[^]*podinfo ends with code 3[^]*"; restarts: \d+$/,
    );
  });

  it("says how the last ready pod ended, before it is in a crash loop", async () => {
    await space.applyDeployment(slotNames.green, 1, pod({ EXIT_AFTER_MS: "1500", EXIT_CODE: "3" }));
    await waitUntil("it is whole", boundMs, async () => (await green()).ready === 1);
    const ended = await waitUntil("it is not", boundMs, async () => {
      const { ready, trouble = "" } = await green();
      return ready === 0 && trouble.includes("exit code") ? trouble : undefined;
    });
    assert.match(
      ended,
      /^pod podinfo-green-\S+: container podinfo is not ready; it ended with exit code 3;/,
    );
  });

  it("says which image cannot be pulled", async () => {
    const image = "podinfo.invalid/podinfo:missing";
    await space.applyDeployment(slotNames.green, 1, pod({}, { image }));
    await fails(
      /^pod podinfo-green-\S+: container podinfo: ImagePullBackOff: .*"podinfo\.invalid\/podinfo:missing"/,
    );
  });

  it("says why a pod cannot be scheduled, once the Deployment has given up", async () => {
    const more = { resources: { requests: { cpu: "5000" } } };
    await space.applyDeployment(slotNames.green, 1, pod({}, more), soon);
    await space.untilPod(slotNames.green, "is unschedulable", ({ status }) =>
      (status?.conditions ?? []).some(({ reason }) => reason === "Unschedulable"),
    );
    const { trouble, ...rest } = await green();
    assert.match(trouble ?? "", /^pod podinfo-green-\S+: Unschedulable: .*Insufficient cpu/);
    // a cluster that grows by itself may still mend it
    assert.deepEqual(rest, { ready: 0, wanted: 1 });
    await fails(
      /^ProgressDeadlineExceeded: .*; pod podinfo-green-\S+: Unschedulable: .*Insufficient cpu/,
    );
  });

  it("says why no pod can be made at all", async () => {
    await space.apply({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "none" },
      spec: { hard: { pods: "0" } },
    });
    await waitUntil("the quota is in force", 10_000, async () => {
      const name = { name: "none", namespace: space.name };
      return (await space.core.readNamespacedResourceQuota(name)).status?.hard !== undefined;
    });
    await space.applyDeployment(slotNames.green, 1, pod(), soon);
    await fails(/^ProgressDeadlineExceeded: .*; FailedCreate: .*exceeded quota: none/);
  });

  it("says that a container is not ready, once the Deployment has given up", async () => {
    await space.applyDeployment(slotNames.green, 1, pod({ NEVER_READY: "1" }), soon);
    await fails(
      /^ProgressDeadlineExceeded: .*; pod podinfo-green-\S+: container podinfo is not ready$/,
    );
  });

  it("says what keeps a DaemonSet's pods from starting", async () => {
    const api = KubernetesApi.open(clusterAccess(cluster()));
    const daemons = { ...workloads, kind: "DaemonSet" } as const;
    reader = new KubernetesWorkloads(api, space.name, daemons);
    const image = "podinfo.invalid/podinfo:missing";
    await space.apply(daemonSet(slotNames.green, pod({}, { image })));
    await fails(/^pod podinfo-green-\S+: container podinfo: ImagePullBackOff: /);
    await space.apply(daemonSet(slotNames.green, pod()));
    await waitUntil("the DaemonSet is whole", boundMs, async () => {
      const { ready, wanted, failed } = await green();
      return wanted > 0 && ready === wanted && failed === undefined;
    });
  });

  it("does not let the pods of the revision before speak for the new one", async () => {
    const crashing = pod({ EXIT_AFTER_MS: "50", NEVER_READY: "1" });
    await space.apply(ofRevision("one", crashing));
    await space.untilPod(
      slotNames.green,
      "is in a crash loop",
      (found) => firstContainer(found)?.state?.waiting?.reason === "CrashLoopBackOff",
    );
    await fails(/CrashLoopBackOff/);
    const seen: Readiness[] = [];
    const watching = new AbortController();
    const watched = (async () => {
      while (!watching.signal.aborted) seen.push(await green());
    })();
    await space.apply(ofRevision("two", pod()));
    const from = seen.length + 1;
    await waitUntil("the new revision is whole", boundMs, async () => {
      const { ready, wanted } = await green();
      return ready === wanted;
    });
    watching.abort();
    await watched;
    assert.deepEqual(
      seen.slice(from).filter(({ failed }) => failed !== undefined),
      [],
    );
    assert.ok(seen.length - from > 3, "it was looked at while the new revision came up");
  });
});

/** As upramp renders it: the pods say which revision they run. */
function ofRevision(revision: string, spec: V1PodSpec): AnyObject {
  const labels = { app: slotNames.green };
  const metadata = { labels, annotations: { "upramp.dev/revision": revision } };
  return deployment(slotNames.green, 1, spec, { template: { metadata, spec } });
}

function daemonSet(name: string, spec: V1PodSpec): AnyObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
