import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { AutoscalingV2Api, BatchV1Api, type V1PodSpec } from "@kubernetes/client-node";
import { podinfoPod } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { firstContainer, TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";

describeOnCluster("workloads on the cluster", (cluster) => {
  let space: TestNamespace;

  before(async () => {
    space = await TestNamespace.create(cluster(), "workloads");
  });

  after(async () => {
    await space.remove();
  });

  it("rolls a Deployment out to a new version without dropping below its replicas", async () => {
    await space.applyDeployment("rolling", 2, podinfoPod(cluster(), "1.0.0"));
    await space.untilRolledOut("rolling");
    const watching = new AbortController();
    const fewest = fewestAvailable(space, "rolling", watching.signal);
    await space.applyDeployment("rolling", 2, podinfoPod(cluster(), "1.1.0"));
    await space.untilRolledOut("rolling");
    watching.abort();
    assert.equal(await fewest, 2);
    for (const pod of await space.pods("rolling")) {
      assert.deepEqual(await space.get(pod, "/version"), { version: "1.1.0" });
    }
  });

  it("reports a crash loop with the container's last words", async () => {
    const spec = podinfoPod(
      cluster(),
      "1.0.0",
      // Never ready: a pod that was available for a moment counts as progress for good.
      { EXIT_AFTER_MS: "50", EXIT_CODE: "3", NEVER_READY: "1" },
      { terminationMessagePolicy: "FallbackToLogsOnError" },
    );
    await space.applyDeployment("crashing", 1, spec, { progressDeadlineSeconds: 3 });
    const pod = await space.untilPod(
      "crashing",
      "is in a crash loop",
      (candidate) => firstContainer(candidate)?.state?.waiting?.reason === "CrashLoopBackOff",
    );
    const status = firstContainer(pod);
    const waiting = status?.state?.waiting?.message ?? "";
    assert.match(waiting, /^back-off \d+s restarting failed container=podinfo pod=crashing-/);
    assert.equal(status?.lastState?.terminated?.exitCode, 3);
    assert.equal(status.lastState.terminated.reason, "Error");
    assert.match(status.lastState.terminated.message ?? "", /podinfo ends with code 3/);
    assert.ok(status.restartCount >= 1);
    await waitUntil("the Deployment exceeds its progress deadline", 15_000, async () => {
      const name = "crashing";
      const found = await space.apps.readNamespacedDeployment({ name, namespace: space.name });
      return found.status?.conditions?.some(({ reason }) => reason === "ProgressDeadlineExceeded");
    });
  });

  it("reports an image that cannot be pulled", async () => {
    const image = "podinfo.invalid/podinfo:missing";
    await space.applyDeployment("unpullable", 1, podinfoPod(cluster(), "1.0.0", {}, { image }));
    const pod = await space.untilPod(
      "unpullable",
      "backs off from pulling",
      (candidate) => firstContainer(candidate)?.state?.waiting?.reason === "ImagePullBackOff",
    );
    assert.equal(pod.status?.phase, "Pending");
    const message = firstContainer(pod)?.state?.waiting?.message ?? "";
    assert.ok(message.startsWith(`Back-off pulling image "${image}"`), message);
  });

  it("leaves a pod pending that asks for more than the node has", async () => {
    const spec = podinfoPod(cluster(), "1.0.0", {}, { resources: { requests: { cpu: "5000" } } });
    await space.applyDeployment("too-big", 1, spec);
    const pod = await space.untilPod("too-big", "is unschedulable", ({ status }) =>
      (status?.conditions ?? []).some(({ reason }) => reason === "Unschedulable"),
    );
    const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    assert.equal(scheduled?.status, "False");
    assert.match(scheduled.message ?? "", /nodes are available: .*Insufficient cpu/);
  });

  it("reports a command that is not in the image", async () => {
    const spec = podinfoPod(cluster(), "1.0.0");
    onlyContainer(spec).command = ["no-such-program"];
    await space.applyDeployment("no-program", 1, spec);
    const pod = await space.untilPod(
      "no-program",
      "could not start",
      (candidate) => firstContainer(candidate)?.lastState?.terminated !== undefined,
    );
    const terminated = firstContainer(pod)?.lastState?.terminated;
    assert.equal(terminated?.exitCode, 128);
    assert.equal(terminated.reason, "StartError");
    assert.match(
      terminated.message ?? "",
      /"no-such-program": executable file not found in \$PATH/,
    );
  });

  it("waits for a missing ConfigMap and starts when it is there", async () => {
    const envFrom = [{ configMapRef: { name: "late" } }];
    await space.applyDeployment("waiting", 1, podinfoPod(cluster(), "1.0.0", {}, { envFrom }));
    const pod = await space.untilPod(
      "waiting",
      "lacks its ConfigMap",
      (candidate) =>
        firstContainer(candidate)?.state?.waiting?.reason === "CreateContainerConfigError",
    );
    assert.equal(firstContainer(pod)?.state?.waiting?.message, 'configmap "late" not found');
    await space.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late" } });
    await space.untilRolledOut("waiting");
  });

  it("gives variables and files from ConfigMaps, Secrets and the pod itself", async () => {
    await space.apply(
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings" },
        data: { color: "blue", "settings.yaml": "size: 3\n" },
      },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "keys" },
        stringData: { password: "open sesame" },
      },
    );
    await space.applyDeployment("configured", 1, configuredPod(podinfoPod(cluster(), "1.0.0")));
    await space.untilRolledOut("configured");
    const [pod] = await space.pods("configured");
    assert.ok(pod);
    const variable = (name: string): Promise<unknown> => space.get(pod, `/env?name=${name}`);
    const file = (path: string): Promise<unknown> => space.get(pod, `/file?path=${path}`);
    assert.deepEqual(await variable("COLOR"), { value: "blue" });
    assert.deepEqual(await variable("PAINT"), { value: "blue paint" });
    assert.deepEqual(await variable("KEY_password"), { value: "open sesame" });
    assert.deepEqual(await variable("POD"), { value: pod.metadata?.name });
    assert.deepEqual(await file("/etc/podinfo/settings.yaml"), { content: "size: 3\n" });
    assert.deepEqual(await file("/secrets/password"), { content: "open sesame" });
    const token = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    assert.deepEqual(await file(token), { content: space.name });
  });

  it("brings a mounted ConfigMap up to date", async function () {
    // A real node takes a minute or more.
    this.timeout(150_000);
    const [pod] = await space.pods("configured");
    assert.ok(pod);
    await space.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { color: "blue", "settings.yaml": "size: 4\n" },
    });
    await waitUntil("the file has the new content", 120_000, async () => {
      const file = JSON.stringify(await space.get(pod, "/file?path=/etc/podinfo/settings.yaml"));
      return file.includes("size: 4");
    });
  });

  it("runs init containers before, and a second container beside", async () => {
    const spec = podinfoPod(cluster(), "1.0.0");
    const shared = { name: "shared", mountPath: "/shared" };
    const [main] = spec.containers;
    assert.ok(main);
    main.volumeMounts = [...(main.volumeMounts ?? []), shared];
    spec.volumes = [...(spec.volumes ?? []), { name: "shared", emptyDir: {} }];
    spec.initContainers = [
      {
        name: "prepare",
        image: "busybox",
        command: ["sh", "-c", "echo prepared > /shared/first"],
        volumeMounts: [shared],
      },
    ];
    spec.containers.push({
      name: "beside",
      image: "busybox",
      command: ["sh", "-c", "cp /shared/first /shared/second && exec sleep 3600"],
      volumeMounts: [shared],
    });
    await space.applyDeployment("together", 1, spec);
    await space.untilRolledOut("together");
    const [pod] = await space.pods("together");
    assert.ok(pod);
    const content = await space.get(pod, "/file?path=/shared/second");
    assert.deepEqual(content, { content: "prepared\n" });
    assert.equal(pod.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, "Completed");
  });

  it("takes an unready pod out and restarts one that fails its liveness probe", async () => {
    const livenessProbe = {
      exec: { command: ["sh", "-c", "test ! -e /tmp/alive/sick"] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    const spec = podinfoPod(cluster(), "1.0.0", {}, { livenessProbe });
    const volume = { name: "alive", mountPath: "/tmp/alive" };
    const [main] = spec.containers;
    assert.ok(main);
    main.volumeMounts = [...(main.volumeMounts ?? []), volume];
    spec.volumes = [...(spec.volumes ?? []), { name: "alive", emptyDir: {} }];
    spec.containers.push({
      name: "poison",
      image: "busybox",
      command: [
        "sh",
        "-c",
        "sleep 2; touch /tmp/alive/sick; sleep 2; rm /tmp/alive/sick; sleep 3600",
      ],
      volumeMounts: [volume],
    });
    await space.applyDeployment("sick", 1, spec);
    const restarted = await space.untilPod("sick", "was restarted and is well", ({ status }) => {
      const podinfo = status?.containerStatuses?.find(({ name }) => name === "podinfo");
      return (podinfo?.restartCount ?? 0) > 0 && podinfo?.ready === true;
    });
    const events = await space.core.listNamespacedEvent({ namespace: space.name });
    const own = events.items.filter(
      ({ involvedObject }) => involvedObject.name === restarted.metadata?.name,
    );
    assert.ok(own.some(({ reason }) => reason === "Unhealthy"));
  });

  it("lets a pod finish its requests when it is deleted", async () => {
    await space.applyDeployment("leaving", 1, podinfoPod(cluster(), "1.0.0"));
    await space.untilRolledOut("leaving");
    const [pod] = await space.pods("leaving");
    assert.ok(pod?.metadata?.name);
    const { name } = pod.metadata;
    const slow = space.get(pod, "/delay/3");
    await sleep(200);
    await space.core.deleteNamespacedPod({ name, namespace: space.name });
    assert.deepEqual(await slow, { delay: 3 });
    await waitUntil(`pod ${name} is gone`, 10_000, async () => {
      const list = await space.core.listNamespacedPod({ namespace: space.name });
      return list.items.every(({ metadata }) => metadata?.name !== name);
    });
  });

  it("kills a pod that does not end within its grace", async () => {
    await space.applyDeployment("stubborn", 1, {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "main",
          image: "busybox",
          command: ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"],
        },
      ],
    });
    await space.untilRolledOut("stubborn");
    const [pod] = await space.pods("stubborn");
    assert.ok(pod?.metadata?.name);
    const { name } = pod.metadata;
    const startedAt = performance.now();
    await space.core.deleteNamespacedPod({ name, namespace: space.name });
    await waitUntil(`pod ${name} is gone`, 10_000, async () => {
      const list = await space.core.listNamespacedPod({ namespace: space.name });
      return list.items.every(({ metadata }) => metadata?.name !== name);
    });
    assert.ok(performance.now() - startedAt > 900);
  });

  it("runs a DaemonSet and a Job", async () => {
    const labels = { app: "everywhere" };
    const selector = { matchLabels: labels };
    await space.apply(
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "everywhere" },
        spec: {
          selector,
          template: { metadata: { labels }, spec: podinfoPod(cluster(), "1.0.0") },
        },
      },
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "once" },
        spec: {
          template: {
            spec: {
              restartPolicy: "Never",
              containers: [{ name: "main", image: "busybox", command: ["true"] }],
            },
          },
        },
      },
    );
    const place = { namespace: space.name };
    await waitUntil("the DaemonSet is on every node", 30_000, async () => {
      const found = await space.apps.readNamespacedDaemonSet({ name: "everywhere", ...place });
      const { desiredNumberScheduled = 0, numberReady = 0 } = found.status ?? {};
      return desiredNumberScheduled > 0 && numberReady === desiredNumberScheduled;
    });
    const batch = cluster().config.makeApiClient(BatchV1Api);
    await waitUntil("the Job is complete", 30_000, async () => {
      const found = await batch.readNamespacedJob({ name: "once", ...place });
      return found.status?.succeeded === 1;
    });
  });

  it("scales a Deployment under load, from 1 replica to 3", async function () {
    this.timeout(90_000);
    const resources = { requests: { cpu: "50m" } };
    await space.applyDeployment("busy", 1, podinfoPod(cluster(), "1.0.0", {}, { resources }));
    await space.untilRolledOut("busy");
    await space.apply({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "busy" },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "busy" },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
          },
        ],
      },
    });
    const [pod] = await space.pods("busy");
    assert.ok(pod);
    const autoscaling = cluster().config.makeApiClient(AutoscalingV2Api);
    let seen = "";
    await waitUntil(
      "the autoscaler wants 3 replicas",
      75_000,
      async () => {
        // A fifth of a core: four times what one pod asks for.
        await space.get(pod, "/burn?ms=20");
        await sleep(50);
        const found = await autoscaling.readNamespacedHorizontalPodAutoscaler({
          name: "busy",
          namespace: space.name,
        });
        seen = JSON.stringify(found.status);
        return found.status?.desiredReplicas === 3;
      },
      () => seen,
    );
    await waitUntil("3 replicas are ready", 30_000, async () => {
      const place = { name: "busy", namespace: space.name };
      return (await space.apps.readNamespacedDeployment(place)).status?.readyReplicas === 3;
    });
  });
});

function onlyContainer(spec: V1PodSpec): V1PodSpec["containers"][number] {
  const [container] = spec.containers;
  assert.ok(container);
  return container;
}

/** A pod with a variable from each kind of source, and a ConfigMap and a Secret as files. */
function configuredPod(spec: V1PodSpec): V1PodSpec {
  const container = onlyContainer(spec);
  container.envFrom = [{ prefix: "KEY_", secretRef: { name: "keys" } }];
  container.env = [
    ...(container.env ?? []),
    { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
    { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "PAINT", value: "$(COLOR) paint" },
  ];
  container.volumeMounts = [
    ...(container.volumeMounts ?? []),
    { name: "settings", mountPath: "/etc/podinfo" },
    { name: "keys", mountPath: "/secrets" },
  ];
  spec.volumes = [
    ...(spec.volumes ?? []),
    { name: "settings", configMap: { name: "settings" } },
    { name: "keys", secret: { secretName: "keys" } },
  ];
  return spec;
}

/** The fewest replicas of a Deployment that were available at any look, until the signal. */
async function fewestAvailable(
  space: TestNamespace,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  while (!signal.aborted) {
    const found = await space.apps.readNamespacedDeployment({ name, namespace: space.name });
    fewest = Math.min(fewest, found.status?.availableReplicas ?? 0);
    await sleep(50);
  }
  return fewest;
}
