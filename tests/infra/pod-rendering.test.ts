import assert from "node:assert/strict";
import fc from "fast-check";
import type { PodTemplate } from "../../infra/kubernetes-contract.ts";
import { renderPod } from "../../infra/service/pod-rendering.ts";

const leave = { sleep: { seconds: 1 } };

function rendered(template: PodTemplate): PodTemplate {
  return renderPod("podinfo", "green", "0123456789", { rendering: 1, template });
}

/** The first container of a pod, rendered. */
function container(more: object, spec: object = {}): unknown {
  const template = { spec: { containers: [{ name: "main", image: "a:1", ...more }], ...spec } };
  return rendered(template).spec.containers[0];
}

describe("the pod of a slot as it is applied", () => {
  // checked in: a change restarts the pods of every primary at the next update; make a new version of the rules instead
  it("is, by version 1 of the rules, the template with labels, revision and a moment to leave", () => {
    const template = {
      metadata: {
        labels: { team: "a", "app.kubernetes.io/name": "mine" },
        annotations: { note: "x" },
      },
      spec: {
        serviceAccountName: "robot",
        terminationGracePeriodSeconds: 60,
        initContainers: [{ name: "init", image: "i:1" }],
        containers: [
          { name: "main", image: "a:1", readinessProbe: { tcpSocket: { port: 80 } } },
          { name: "proxy", image: "p:1", lifecycle: { preStop: { exec: { command: ["quit"] } } } },
        ],
      },
    };
    assert.deepEqual(rendered(template), {
      metadata: {
        labels: {
          team: "a",
          "app.kubernetes.io/managed-by": "upramp",
          "app.kubernetes.io/name": "podinfo",
          "upramp.dev/service": "podinfo",
          "upramp.dev/slot": "green",
        },
        annotations: { note: "x", "upramp.dev/revision": "0123456789" },
      },
      spec: {
        serviceAccountName: "robot",
        terminationGracePeriodSeconds: 60,
        initContainers: [{ name: "init", image: "i:1" }],
        containers: [
          {
            name: "main",
            image: "a:1",
            readinessProbe: { tcpSocket: { port: 80 } },
            lifecycle: { preStop: leave },
          },
          { name: "proxy", image: "p:1", lifecycle: { preStop: { exec: { command: ["quit"] } } } },
        ],
      },
    });
  });

  it("has labels and annotations where the template has none", () => {
    const { metadata } = rendered({ spec: { containers: [{ name: "main", image: "a:1" }] } });
    assert.deepEqual(Object.keys(metadata ?? {}), ["labels", "annotations"]);
  });

  for (const [what, lifecycle, expected] of [
    ["nothing", undefined, { preStop: leave }],
    ["null", null, { preStop: leave }],
    [
      "only how to start",
      { postStart: { sleep: { seconds: 2 } } },
      { postStart: { sleep: { seconds: 2 } }, preStop: leave },
    ],
    ["null for how to stop", { preStop: null }, { preStop: leave }],
    ["how to stop", { preStop: { httpGet: { port: 80 } } }, { preStop: { httpGet: { port: 80 } } }],
  ] as const) {
    it(`stops as it should when the container's lifecycle says ${what}`, () => {
      const found = container(lifecycle === undefined ? {} : { lifecycle });
      assert.deepEqual(Reflect.get(Object(found), "lifecycle"), expected);
    });
  }

  it("does not sleep longer than it may take to end, which Kubernetes refuses", () => {
    const at = (seconds: unknown): unknown =>
      Reflect.get(Object(container({}, { terminationGracePeriodSeconds: seconds })), "lifecycle");
    assert.equal(at(0), undefined);
    assert.deepEqual(at(1), { preStop: leave });
    assert.deepEqual(at(null), { preStop: leave });
  });

  it("keeps everything else of any container and any pod", () => {
    const more = fc.dictionary(
      fc.stringMatching(/^[a-z]{1,8}$/).filter((key) => key !== "lifecycle"),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(more, more, (own, spec) => {
        const main = { ...own, name: "main", image: "a:1" };
        const template = { spec: { ...spec, containers: [main] } };
        const before = structuredClone(template);
        const pod = rendered(template);
        assert.deepEqual(template, before);
        assert.deepEqual(pod.spec, {
          ...spec,
          containers: [{ ...main, lifecycle: { preStop: leave } }],
        });
      }),
    );
  });

  it("is of one slot only", () => {
    const template = { spec: { containers: [{ name: "main", image: "a:1" }] } };
    const of = (slot: "blue" | "green"): unknown =>
      renderPod("podinfo", slot, "a", { rendering: 1, template }).metadata?.labels?.[
        "upramp.dev/slot"
      ];
    assert.deepEqual([of("blue"), of("green")], ["blue", "green"]);
  });
});
