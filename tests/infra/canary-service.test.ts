import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { replicasMinAnnotation, type Slot } from "../../infra/contract.ts";
import type { RouterSettings } from "../../infra/router-contract.ts";
import type { CanaryServiceArgs } from "../../infra/service/canary-service.ts";
import {
  contour,
  image,
  keysOf,
  mesh,
  objectOf,
  readyCluster,
  stack,
  Stack,
  update,
  type Declared,
} from "./canary-service-graph.ts";

const slotOf = z.looseObject({ "upramp.dev/slot": z.enum(["blue", "green"]) });

/** Which slot a Service sends requests to, and at which port of its pods. */
function target(declared: Declared, service: string): readonly [Slot, unknown] {
  const { selector, ports } = objectOf(declared, `Service ${service}`).spec;
  const [port] = z.array(z.looseObject({ targetPort: z.unknown() })).parse(ports);
  return [slotOf.parse(selector)["upramp.dev/slot"], port?.targetPort];
}

function targets(declared: Declared): Record<string, readonly [Slot, unknown]> {
  const names = keysOf(declared, "Service").map((key) => key.replace("Service ", ""));
  return Object.fromEntries(names.map((name) => [name, target(declared, name)]));
}

const templateSchema = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()) }),
  spec: z.looseObject({ containers: z.array(z.looseObject({ image: z.string() })).length(1) }),
});

/** The image in each slot's workload; none where it does not exist. */
function images(declared: Declared, kind = "Deployment"): Record<string, string | undefined> {
  return Object.fromEntries(
    keysOf(declared, kind).map((key) => {
      const template = templateSchema.parse(objectOf(declared, key).spec["template"]);
      return [key.replace(`${kind} podinfo-`, ""), template.spec.containers[0]?.image];
    }),
  );
}

/** Replicas that each Deployment is declared with; undefined where the field is left out. */
function replicas(declared: Declared): Record<string, unknown> {
  return Object.fromEntries(
    keysOf(declared, "Deployment").map((key) => [
      key.replace("Deployment podinfo-", ""),
      objectOf(declared, key).spec["replicas"],
    ]),
  );
}

function skipsAwait(declared: Declared): Record<string, boolean> {
  return Object.fromEntries(
    keysOf(declared, "Deployment").map((key) => [
      key.replace("Deployment podinfo-", ""),
      objectOf(declared, key).metadata.annotations["pulumi.com/skipAwait"] === "true",
    ]),
  );
}

const scaled = { autoscaling: { min: 2, max: 8, cpuPercent: 60 } } as const;

describe("CanaryService", () => {
  it("declares two Deployments, three Services and a route, below itself and marked as its stack's", async () => {
    const declared = await update();
    assert.deepEqual(keysOf(declared), [
      "Deployment podinfo-blue",
      "Deployment podinfo-green",
      "HTTPRoute podinfo",
      "Service podinfo",
      "Service podinfo-blue",
      "Service podinfo-green",
    ]);
    for (const [key, { metadata, isChild }] of declared.objects) {
      assert.ok(isChild, key);
      assert.equal(metadata.namespace, "shop", key);
      assert.equal(metadata.annotations["upramp.dev/stack"], stack, key);
      assert.equal(metadata.labels["upramp.dev/service"], "podinfo", key);
      assert.equal(metadata.labels["app.kubernetes.io/managed-by"], "upramp", key);
    }
    const { assignment, canary } = declared.outputs;
    assert.deepEqual(assignment.weights, { blue: 100, green: 0 });
    assert.deepEqual([assignment.primary, assignment.slots.green, canary], ["blue", null, null]);
  });

  it("routes when the slots' Services are there", async () => {
    const declared = await update();
    const services = ["Service podinfo-blue", "Service podinfo-green", "Service podinfo"];
    assert.deepEqual(objectOf(declared, "HTTPRoute podinfo").behind, services);
  });

  it("keeps an idle slot at no replicas, with the primary's pods", async () => {
    const service = await Stack.install({ args: { replicas: 3 } });
    assert.deepEqual(replicas(service.last), { blue: 3, green: 0 });
    assert.deepEqual(images(service.last), { blue: "podinfo:1.0.0", green: "podinfo:1.0.0" });
    const wanted = await service.wanted(image("podinfo:2.0.0"));
    assert.deepEqual(images(service.last), { blue: "podinfo:1.0.0", green: "podinfo:1.0.0" });
    await service.deployCanary(wanted);
    assert.deepEqual(replicas(service.last), { blue: 3, green: 3 });
    assert.deepEqual(images(service.last), { blue: "podinfo:1.0.0", green: "podinfo:2.0.0" });
  });

  it("declares a DaemonSet of filled slots only", async () => {
    const args = { workload: "DaemonSet", disruption: { maxUnavailable: 1 } } as const;
    const service = await Stack.install({ args });
    assert.deepEqual(keysOf(service.last, "DaemonSet"), ["DaemonSet podinfo-blue"]);
    assert.deepEqual(keysOf(service.last, "Deployment"), []);
    assert.deepEqual(keysOf(service.last, "PodDisruptionBudget"), [
      "PodDisruptionBudget podinfo-blue",
    ]);
    const { spec } = objectOf(service.last, "DaemonSet podinfo-blue");
    assert.deepEqual(Object.keys(spec).toSorted(), ["minReadySeconds", "selector", "template"]);
    await service.deployCanary(await service.wanted(image("podinfo:2.0.0")));
    assert.deepEqual(images(service.last, "DaemonSet"), {
      blue: "podinfo:1.0.0",
      green: "podinfo:2.0.0",
    });
    assert.equal(service.last.outputs.traffic.router, "gateway-api");
  });

  it("gives an autoscaler and a disruption budget to filled slots only, when the workload is there", async () => {
    const args = { ...scaled, disruption: { minAvailable: "50%" } } as const;
    const service = await Stack.install({ args });
    const kinds = ["HorizontalPodAutoscaler", "PodDisruptionBudget"];
    for (const kind of kinds) {
      assert.deepEqual(keysOf(service.last, kind), [`${kind} podinfo-blue`]);
    }
    await service.deployCanary(await service.wanted(image("podinfo:2.0.0")));
    for (const kind of kinds) {
      assert.deepEqual(keysOf(service.last, kind), [
        `${kind} podinfo-blue`,
        `${kind} podinfo-green`,
      ]);
      const { behind } = objectOf(service.last, `${kind} podinfo-green`);
      assert.deepEqual(behind, ["Deployment podinfo-green"]);
    }
    const { scaleTargetRef, minReplicas, maxReplicas } = objectOf(
      service.last,
      "HorizontalPodAutoscaler podinfo-green",
    ).spec;
    assert.deepEqual(scaleTargetRef, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      name: "podinfo-green",
    });
    assert.deepEqual([minReplicas, maxReplicas], [2, 8]);
    const { selector, minAvailable } = objectOf(
      service.last,
      "PodDisruptionBudget podinfo-green",
    ).spec;
    assert.equal(minAvailable, "50%");
    assert.deepEqual(selector, {
      matchLabels: { "upramp.dev/service": "podinfo", "upramp.dev/slot": "green" },
    });
  });

  it("leaves replicas to the autoscaler of a filled slot, and says 0 for an idle one", async () => {
    const service = await Stack.install({ args: scaled });
    assert.deepEqual(replicas(service.last), { blue: undefined, green: 0 });
    await service.deployCanary(await service.wanted(image("podinfo:2.0.0")));
    assert.deepEqual(replicas(service.last), { blue: undefined, green: undefined });
    await service.drive({ weights: { blue: 50, green: 50 } });
    assert.deepEqual(replicas(service.last), { blue: undefined, green: undefined });
  });

  it("keeps an autoscaler from taking what a rollout may need, until it is over", async () => {
    const service = await Stack.install({ args: scaled });
    const fewest = (declared: Declared): Record<string, unknown> => {
      const filled = keysOf(declared, "HorizontalPodAutoscaler").map((key) => key.split(" ")[1]);
      return Object.fromEntries(
        filled.map((name = ""): [string, unknown] => {
          const { spec } = objectOf(declared, `HorizontalPodAutoscaler ${name}`);
          const { metadata } = objectOf(declared, `Deployment ${name}`);
          const told = metadata.annotations[replicasMinAnnotation];
          return [name.replace("podinfo-", ""), [spec["minReplicas"], told]];
        }),
      );
    };
    assert.deepEqual(fewest(service.last), { blue: [2, "2"] });
    const wanted = await service.wanted(image("podinfo:2.0.0"));
    const { slots: before } = service.assignment;
    const both = { ...before, green: wanted };
    const whole = { blue: [5, "5"], green: [5, "5"] };
    assert.deepEqual(fewest(await service.drive({ slots: both, capacity: 5 })), whole);
    assert.deepEqual(fewest(await service.drive({ weights: { blue: 0, green: 100 } })), whole);
    const plain = await service.up();
    assert.deepEqual(fewest(plain), whole);
    assert.deepEqual(fewest(await service.drive({ weights: { blue: 100, green: 0 } })), whole);
  });

  it("sizes a canary by the weight it gets next, and takes nothing away while it loses weight", async () => {
    const rollout = { steps: [20, 60] };
    const args = { replicas: 10, canarySize: "byWeight", rollout } as const;
    const service = await Stack.install({ args });
    const wanted = await service.wanted(image("podinfo:2.0.0"));
    const { slots } = service.assignment;
    const green = async (to: Parameters<Stack["drive"]>[0]): Promise<unknown> => {
      const counts = replicas(await service.drive(to));
      assert.equal(counts["blue"], 10);
      return counts["green"];
    };
    assert.equal(await green({ slots: { ...slots, green: wanted } }), 2);
    assert.equal(await green({ weights: { blue: 80, green: 20 } }), 6);
    assert.equal(await green({ weights: { blue: 40, green: 60 } }), 10);
    assert.equal(await green({ weights: { blue: 100, green: 0 } }), 10);
    assert.equal(await green({ slots }), 0);
  });

  it("selects the primary by the apex Service, and the canary never", async () => {
    const service = await Stack.install();
    const bySlot = { "podinfo-blue": ["blue", 8080], "podinfo-green": ["green", 8080] } as const;
    assert.deepEqual(targets(service.last), { podinfo: ["blue", 8080], ...bySlot });
    const wanted = await service.wanted(image("podinfo:2.0.0"));
    await service.deployCanary(wanted);
    assert.deepEqual(targets(service.last), { podinfo: ["blue", 8080], ...bySlot });
    await service.drive({ weights: { blue: 1, green: 99 } });
    assert.deepEqual(targets(service.last), { podinfo: ["blue", 8080], ...bySlot });
    await service.drive({ primary: "green", weights: { blue: 0, green: 100 } });
    assert.deepEqual(targets(service.last), { podinfo: ["green", 8080], ...bySlot });
  });

  it("sends each slot's requests to the port that its own revision listens at", async () => {
    const service = await Stack.install({ args: { port: 80 } });
    await service.deployCanary(await service.wanted(image("podinfo:2.0.0", { port: 9090 })));
    assert.deepEqual(targets(service.last), {
      podinfo: ["blue", 8080],
      "podinfo-blue": ["blue", 8080],
      "podinfo-green": ["green", 9090],
    });
    await service.drive({ primary: "green", weights: { blue: 0, green: 100 } });
    assert.deepEqual(target(service.last, "podinfo"), ["green", 9090]);
    assert.deepEqual(target(service.last, "podinfo-blue"), ["blue", 8080]);
  });

  it("sends requests to the port that is configured, whatever revisions name", async () => {
    const service = await Stack.install({ args: { targetPort: "http" } });
    await service.deployCanary(await service.wanted(image("podinfo:2.0.0", { port: 9090 })));
    for (const [name, [, port]] of Object.entries(targets(service.last)))
      assert.equal(port, "http", name);
    const bare = await update({ args: { revision: { image: "podinfo:1.0.0" }, port: 81 } });
    assert.deepEqual(target(bare, "podinfo"), ["blue", 81]);
  });

  it("waits itself for what a plain update brings up, and leaves canaries to the driver", async () => {
    const service = await Stack.install();
    assert.deepEqual(skipsAwait(service.last), { blue: false, green: true });
    const first = service.assignment.slots.blue;
    assert.ok(first);
    const second = await service.wanted(image("podinfo:2.0.0"));
    await service.deployCanary(second);
    assert.deepEqual(skipsAwait(service.last), { blue: false, green: true });
    await service.drive({ primary: "green", weights: { blue: 0, green: 100 } });
    assert.deepEqual(skipsAwait(service.last), { blue: false, green: true });
    await service.drive({ slots: { blue: null, green: second } });
    await service.up({ revision: image("podinfo:1.0.0") });
    // the first revision again, now as a canary
    await service.drive({ slots: { blue: first, green: second } });
    assert.deepEqual(skipsAwait(service.last), { blue: true, green: true });
  });

  it("owns its workloads' fields by force, as autoscalers and people write them too", async () => {
    for (const workload of ["Deployment", "DaemonSet"] as const) {
      const declared = await update({ args: { workload } });
      const { annotations } = objectOf(declared, `${workload} podinfo-blue`).metadata;
      assert.equal(annotations["pulumi.com/patchForce"], "true");
    }
  });

  it("waits for no Service, route or autoscaler", async () => {
    const declared = await update({ args: scaled });
    for (const key of [
      "Service podinfo",
      "Service podinfo-green",
      "HorizontalPodAutoscaler podinfo-blue",
    ]) {
      const { annotations } = objectOf(declared, key).metadata;
      assert.equal(annotations["pulumi.com/skipAwait"], "true", key);
    }
  });

  it("marks pods with the revision that they run", async () => {
    const service = await Stack.install();
    const wanted = await service.wanted(image("podinfo:2.0.0"));
    await service.deployCanary(wanted);
    const template = templateSchema.parse(
      objectOf(service.last, "Deployment podinfo-green").spec["template"],
    );
    assert.equal(template.metadata.annotations["upramp.dev/revision"], wanted.id);
  });

  const routers: readonly (readonly [RouterSettings, string])[] = [
    [contour, "HTTPRoute podinfo"],
    [{ ...contour, profile: "envoy-gateway" }, "HTTPRoute podinfo"],
    [mesh, "VirtualRouter podinfo"],
  ];
  for (const [router, route] of routers) {
    const title = router.kind === "app-mesh" ? router.kind : `${router.kind} on ${router.profile}`;
    const args = { router, port: 8080 };

    it(`keeps the live weights in a plain update, and never in one by the driver (${title})`, async () => {
      const service = await Stack.install({ args });
      const ignoring = (): readonly string[] =>
        [...service.last.objects]
          .filter(([, { ignoreChanges }]) => ignoreChanges.length > 0)
          .map(([key]) => key);
      assert.deepEqual(ignoring(), [route]);
      const wanted = await service.wanted(image("podinfo:2.0.0"));
      await service.deployCanary(wanted);
      assert.deepEqual(ignoring(), []);
      await service.drive({ weights: { blue: 70, green: 30 } });
      assert.deepEqual(ignoring(), []);
      await service.up({}, { live: { blue: 40, green: 60 } });
      assert.deepEqual(ignoring(), [route]);
      assert.deepEqual(service.assignment.weights, { blue: 40, green: 60 });
    });

    it(`says where weights and metrics are (${title})`, async () => {
      const service = await Stack.install({ args });
      await service.deployCanary(await service.wanted(image("podinfo:2.0.0")));
      const { outputs } = service.last;
      assert.equal(outputs.traffic.router, router.kind);
      assert.ok("workloads" in outputs.traffic);
      assert.deepEqual(outputs.traffic.workloads.names, {
        blue: "podinfo-blue",
        green: "podinfo-green",
      });
      assert.deepEqual(outputs.store, {
        kind: "kubernetes",
        cluster: {},
        namespace: "shop",
        name: "upramp-podinfo",
      });
      assert.equal(outputs.canary, "green");
      const { queries, variables } = outputs.metrics;
      assert.ok("request-success-rate" in queries && "request-duration" in queries);
      assert.notDeepEqual(variables.blue, variables.green);
    });
  }

  it("declares GRPCRoute for gRPC, and h2c at the Services", async () => {
    const router = { ...contour, profile: "envoy-gateway" } as const;
    const declared = await update({ args: { router, route: { protocol: "grpc" } } });
    assert.deepEqual(keysOf(declared, "GRPCRoute"), [
      "GRPCRoute podinfo",
      "GRPCRoute podinfo-keeper",
    ]);
    const { ports } = objectOf(declared, "Service podinfo-blue").spec;
    assert.deepEqual(ports, [
      { name: "grpc", port: 80, targetPort: 8080, appProtocol: "kubernetes.io/h2c" },
    ]);
    const { traffic } = declared.outputs;
    assert.ok(traffic.router === "gateway-api" && traffic.kind === "GRPCRoute");
  });

  it("reaches a Prometheus inside the cluster through the API server", async () => {
    const service = { namespace: "monitoring", service: "prometheus", port: 9090 };
    const cluster = { context: "prod" };
    const { metrics } = (await update({ args: { prometheus: { service }, cluster } })).outputs;
    assert.equal(metrics.address, "http://prometheus.monitoring.svc:9090");
    assert.deepEqual(metrics.proxy, { ...service, cluster });
  });

  it("asks a workspace of Amazon Managed Prometheus with signed queries", async () => {
    const endpoint = "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/";
    const amp = { endpoint, region: "eu-central-1" };
    const { metrics } = (await update({ args: { prometheus: { amp } } })).outputs;
    assert.equal(metrics.address, endpoint);
    assert.deepEqual(metrics.amp, { region: "eu-central-1" });
    assert.equal(metrics.proxy, undefined);
  });

  it("begins with a step on copies where requests are mirrored", async () => {
    const rollout = { steps: [{ weight: 20, checks: 4, hold: true }, 60] };
    const steps = async (mirrorPercent?: number): Promise<readonly number[]> => {
      const route = mirrorPercent === undefined ? {} : { mirrorPercent };
      const { outputs } = await update({ args: { route, rollout } });
      return outputs.rollout.steps.map(({ weight }) => weight);
    };
    assert.deepEqual(await steps(), [20, 60]);
    assert.deepEqual(await steps(100), [0, 20, 60]);
    const written = { steps: [{ weight: 0, checks: 7 }, 50] };
    const { outputs } = await update({
      args: { route: { mirrorPercent: 100 }, rollout: written },
    });
    assert.deepEqual(
      outputs.rollout.steps.map(({ weight, checks }) => [weight, checks]),
      [
        [0, 7],
        [50, 1],
      ],
    );
    await assert.rejects(update({ args: { rollout: written } }), {
      name: "ContractError",
      message: /rollout\.steps\[0\] = 0: .*route\.mirrorPercent is not set: remove it/,
    });
  });

  const unable: readonly (readonly [string, Partial<CanaryServiceArgs>, RegExp])[] = [
    [
      "a profile of Gateway API",
      { route: { sessionAffinity: { cookie: "slot" } } },
      /route\.sessionAffinity: Contour .* has no session affinity/,
    ],
    ["App Mesh", { router: mesh, port: 80 }, /port: 80 is not the port of the pods, 8080/],
    [
      "App Mesh as it is switched off",
      { router: { ...mesh, allowDiscontinuedAppMesh: false } },
      /router\.allowDiscontinuedAppMesh: AWS switched App Mesh off/,
    ],
  ];
  for (const [what, args, message] of unable) {
    it(`refuses what ${what} cannot do, and declares nothing`, async () => {
      const seen: string[] = [];
      await assert.rejects(update({ args, seen }), { name: "ContractError", message });
      assert.deepEqual(seen, []);
    });
  }

  const refused = [
    [
      "an unknown profile",
      { router: { ...contour, profile: "nginx" } },
      /router\.profile = "nginx"/,
    ],
    ["an unknown router", { router: { kind: "linkerd" } }, /router\.kind = "linkerd"/],
    ["an unknown field", { weights: { blue: 50 } }, /weights/],
    ["a weight of 101", { rollout: { steps: [10, 101] } }, /rollout\.steps\[1\] = 101/],
    ["steps that do not rise", { rollout: { steps: [20, 10] } }, /10 does not rise above 20/],
    ["no revision", { revision: undefined }, /revision is not set: write the image/],
    ["a revision that is none", { revision: 7 }, /revision = 7: is no object/],
    [
      "a path that is none",
      { route: { paths: ["/x"] } },
      /route\.paths\[0\] = "\/x": write \{prefix/,
    ],
    [
      "a header that is none",
      { route: { canaryMatch: [{ headers: { a: "b" } }] } },
      /headers\.a = "b": write \{exact/,
    ],
    ["no Prometheus", { prometheus: {} }, /prometheus: write \{address/],
    ["an empty disruption budget", { disruption: {} }, /disruption: write \{maxUnavailable/],
    [
      "a DaemonSet sized by weight",
      { workload: "DaemonSet", canarySize: "byWeight" },
      /canarySize = "byWeight": .*set it to same/,
    ],
    ["a namespace that is none", { namespace: "My Shop" }, /namespace = "My Shop": use up to 63/],
  ] as const;
  for (const [what, args, message] of refused) {
    it(`refuses ${what}, and says where it stands`, async () => {
      await assert.rejects(update({ args: args as object }), (error: unknown) => {
        assert.ok(error instanceof Error);
        assert.equal(error.name, "ContractError");
        assert.match(error.message, message);
        assert.equal(error.stack, error.message);
        return true;
      });
    });
  }

  it("takes its name from the component, unless it is given another", async () => {
    assert.equal((await update({ name: "cart" })).outputs.service, "cart");
    const { outputs } = await update({ name: "cart", args: { name: "basket" } });
    assert.equal(outputs.service, "basket");
  });

  it("refuses to take the stack of another service", async () => {
    const { outputs } = await update();
    await assert.rejects(update({ name: "cart", previous: outputs }), /this stack runs "podinfo"/);
  });
});

describe("what CanaryService waits for", () => {
  it("looks at the cluster when what it depends on is there", async () => {
    const seen: string[] = [];
    const other = (): pulumi.Resource => {
      const resource = new pulumi.ComponentResource("test:index:Gateway", "gateway");
      resource.urn.apply(() => seen.push("registered"));
      return resource;
    };
    const cluster = readyCluster();
    const reader = {
      lookUp: (name: Parameters<typeof cluster.lookUp>[0]) => {
        seen.push("looked");
        return cluster.lookUp(name);
      },
    };
    await update({ dependsOn: other, reader });
    assert.deepEqual(seen.slice(0, 2), ["registered", "looked"]);
  });
});
