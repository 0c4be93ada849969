import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Load } from "./load.ts";
import { podinfoPod, podinfoPort } from "./podinfo-template.ts";
import { describeOnCluster } from "./test-cluster.ts";
import { firstContainer, TestNamespace } from "./test-namespace.ts";
import { waitUntil } from "./wait-until.ts";
import type { Cluster } from "./cluster.ts";

describeOnCluster("outages of the cluster's parts", (cluster) => {
  let space: TestNamespace;
  let processes: Cluster;

  before(async function () {
    const own = cluster().processes;
    // Nobody wants a test to kill the parts of a real cluster.
    if (own === undefined) return this.skip();
    processes = own;
    space = await TestNamespace.create(cluster(), "outages");
    await space.applyDeployment("steady", 1, podinfoPod(cluster(), "1.0.0"));
    await space.untilRolledOut("steady");
  });

  after(async () => {
    await space?.remove();
  });

  it("keeps pods serving while the API server is restarted, and then goes on with rollouts", async () => {
    const [pod] = await space.pods("steady");
    const load = new Load({ url: `http://${pod?.status?.podIP}:${podinfoPort}` });
    await processes.controlPlane.parts.apiServer.kill();
    await sleep(500);
    await processes.controlPlane.restart("apiServer");
    await load.stop();
    assert.ok(load.outcomes.length > 100);
    assert.deepEqual(load.failures(), []);
    const after = await space.pods("steady");
    assert.deepEqual(
      after.map(({ status }) => status?.containerStatuses?.[0]?.restartCount),
      [0],
    );
    await space.applyDeployment("steady", 1, podinfoPod(cluster(), "1.1.0"));
    await space.untilRolledOut("steady");
  });

  it("recovers from a restart of etcd and of the controller manager", async () => {
    await processes.controlPlane.parts.etcd.kill();
    await processes.controlPlane.restart("etcd");
    await processes.controlPlane.parts.controllerManager.kill();
    await processes.controlPlane.restart("controllerManager");
    await space.applyDeployment("steady", 1, podinfoPod(cluster(), "1.2.0"));
    await space.untilRolledOut("steady");
  });

  it("ends every container with the kubelet, and restarts them with the next", async () => {
    const [before] = await space.pods("steady");
    const pid = pidOf(firstContainer(before ?? {})?.containerID);
    await processes.kubelet.kill();
    await waitUntil("the container has ended", 5_000, () => !existsSync(`/proc/${pid}`));
    await processes.restartKubelet();
    await space.untilPod("steady", "runs again", (pod) => {
      const status = firstContainer(pod);
      return status?.ready === true && status.restartCount === 1;
    });
  });

  it("restarts a container whose process was killed", async () => {
    const [before] = await space.pods("steady");
    const status = firstContainer(before ?? {});
    process.kill(pidOf(status?.containerID), "SIGKILL");
    const pod = await space.untilPod("steady", "was restarted", (candidate) => {
      const now = firstContainer(candidate);
      return now?.ready === true && now.restartCount === (status?.restartCount ?? 0) + 1;
    });
    const terminated = firstContainer(pod)?.lastState?.terminated;
    assert.equal(terminated?.exitCode, 137);
    assert.equal(terminated.signal, 9);
  });
});

function pidOf(containerId: string | undefined): number {
  const pid = Number(/^process:\/\/(\d+)$/.exec(containerId ?? "")?.[1]);
  assert.ok(!Number.isNaN(pid), `container id "${containerId}"`);
  return pid;
}
