import assert from "node:assert/strict";
import { podProblems } from "../../rollout/adapters/pod-problems.ts";

const anyTemplate = { labels: {}, annotations: {} };

interface PodParts {
  readonly name?: string;
  readonly metadata?: object;
  readonly status?: object;
}

function pod({ name = "p", metadata = {}, status = {} }: PodParts): object {
  return { metadata: { name, ...metadata }, status };
}

function waiting(reason: string, more: object = {}): object {
  return {
    containerStatuses: [
      { name: "app", ready: false, restartCount: 2, state: { waiting: { reason } }, ...more },
    ],
  };
}

describe("what pods say of why they are not ready", () => {
  it("is nothing while they start, or once they are ready", () => {
    const statuses = [
      waiting("ContainerCreating"),
      waiting("PodInitializing"),
      { containerStatuses: [{ name: "app", ready: true, state: { running: {} } }] },
      {},
    ];
    const items = statuses.map((status) => pod({ status }));
    assert.deepEqual(podProblems({ items }, anyTemplate), []);
  });

  it("is hopeless for what no patience mends, which then comes first", () => {
    const items = [
      pod({ name: "one", status: waiting("ErrImagePull") }),
      pod({ name: "two", status: waiting("ImagePullBackOff") }),
    ];
    assert.deepEqual(podProblems({ items }, anyTemplate), [
      { words: "pod two: container app: ImagePullBackOff", isHopeless: true },
      { words: "pod one: container app: ErrImagePull", isHopeless: false },
    ]);
  });

  it("tells how a container ended, now or the time before", () => {
    const terminated = { exitCode: 137, reason: "OOMKilled" };
    const said = { exitCode: 3, reason: "Error", message: "no database\n" };
    const items = [
      pod({ status: waiting("CrashLoopBackOff", { lastState: { terminated } }) }),
      pod({
        status: {
          containerStatuses: [{ name: "app", restartCount: 1, state: { terminated: said } }],
        },
      }),
    ];
    assert.deepEqual(
      podProblems({ items }, anyTemplate).map(({ words }) => words),
      [
        "pod p: container app: CrashLoopBackOff; it ended with exit code 137 (OOMKilled); restarts: 2",
        'pod p: container app is not ready; it ended with exit code 3, saying "no database"; restarts: 1',
      ],
    );
  });

  it("is not heard from pods that leave, or that are of another template", () => {
    const status = waiting("CrashLoopBackOff");
    const template = { labels: { app: "a" }, annotations: { revision: "two" } };
    const labels = { app: "a" };
    const items = [
      pod({ name: "leaves", metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, status }),
      pod({ name: "before", metadata: { labels, annotations: { revision: "one" } }, status }),
      pod({ name: "unmarked", metadata: { labels }, status }),
      pod({
        name: "own",
        metadata: { labels, annotations: { revision: "two", more: "x" } },
        status,
      }),
    ];
    assert.deepEqual(
      podProblems({ items }, template).map(({ words }) => words),
      ["pod own: container app: CrashLoopBackOff"],
    );
  });

  it("is said once, and of three pods at most", () => {
    const items = Array.from({ length: 9 }, (_, index) =>
      pod({ name: `p${index}`, status: waiting("InvalidImageName") }),
    );
    assert.equal(podProblems({ items: [...items, ...items] }, anyTemplate).length, 3);
  });
});
