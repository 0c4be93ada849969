import assert from "node:assert/strict";
import { parse } from "../../infra/contract.ts";
import { routeWritten } from "../../infra/kubernetes-contract.ts";
import { profileNames } from "../../infra/router-contract.ts";
import { perSlot } from "../../infra/names.ts";
import {
  capabilities,
  gatewayProfiles,
  routeQueries,
  type GatewayProfile,
} from "../../infra/routers/gateway-profiles.ts";
import { slotName } from "../../infra/service/kubernetes-names.ts";
import type { RolloutState } from "../../rollout/core/state.ts";
import { renderQuery, type RouterQueries } from "../../rollout/core/template.ts";
import { record, Story } from "../support/builders.ts";

const metricNames = [
  "request-success-rate",
  "request-duration",
  "request-duration-average",
  "request-rate",
];

const kinds = ["queries", "grpcQueries"] as const;

function routerQueries(profile: GatewayProfile, kind: (typeof kinds)[number]): RouterQueries {
  return {
    queries: profile[kind],
    variables: perSlot((slot) =>
      profile.variables({ namespace: "shop", name: slotName("podinfo", slot), port: 9898 }),
    ),
  };
}

const story = new Story().atStep(0);

/** The metric's text about the canary in green, and, at rest, about the primary in blue. */
function rendered(
  profile: GatewayProfile,
  kind: (typeof kinds)[number],
  name: string,
): readonly [string, string] {
  const metric = { name, max: 500, windowMs: 60_000, variables: {} };
  const text = (state: RolloutState): string => {
    const router = routerQueries(profile, kind);
    // the metric's whole window
    const found = renderQuery(metric, router, "podinfo", state, story.now + 60_000);
    assert.equal(found.kind, "query", found.kind === "error" ? found.message : "");
    return found.kind === "query" ? found.query : "";
  };
  return [text(story.record.state), text(record().state)];
}

for (const name of profileNames) {
  const profile = gatewayProfiles[name];
  describe(`profile ${name}`, () => {
    it("has a title with a version, and notes that are sentences", () => {
      assert.match(profile.title, /\d/);
      assert.ok(profile.notes.length > 0);
      for (const note of profile.notes) assert.ok(note.length > 20 && !note.endsWith("."), note);
    });

    it("says why where it has no queries", () => {
      const notes = profile.notes.join("\n");
      if (Object.keys(profile.queries).length === 0)
        assert.match(notes, /give every metric a query/);
      if (profile.can.has("grpc") && Object.keys(profile.grpcQueries).length === 0) {
        assert.match(notes, /give every metric (of a gRPC service )?a query/);
      }
    });

    it("can do nothing that there is no name for, and a share of a mirror only with a mirror", () => {
      for (const capability of profile.can) assert.ok(capabilities.includes(capability));
      assert.ok(profile.can.has("mirror") || !profile.can.has("mirrorPercent"));
      assert.ok(profile.can.has("grpc") || Object.keys(profile.grpcQueries).length === 0);
    });

    for (const kind of kinds) {
      if (Object.keys(profile[kind]).length === 0) continue;
      it(`has every built-in metric among its ${kind}`, () => {
        assert.deepEqual(Object.keys(profile[kind]).toSorted(), metricNames.toSorted());
      });

      for (const one of metricNames) {
        it(`asks for ${one} of one slot and one window (${kind})`, () => {
          const template = profile[kind][one] ?? "";
          assert.match(template, /\{\{ window \}\}/);
          const own = Object.keys(profile.variables({ namespace: "n", name: "s", port: 1 }));
          for (const [, variable = ""] of template.matchAll(/\{\{ (.*?) \}\}/g)) {
            assert.ok(
              variable === "window" || own.includes(variable),
              `${variable} is not of the slot`,
            );
          }
          const [canary, primary] = rendered(profile, kind, one);
          assert.match(canary, /podinfo-green/);
          assert.doesNotMatch(canary, /podinfo-blue/);
          assert.match(canary, /shop/);
          // the same about the other slot, and nothing else
          assert.equal(canary.replaceAll("podinfo-green", "podinfo-blue"), primary);
          assert.ok(isBalanced(canary), canary);
        });
      }
    }
  });
}

describe("the selectors of the slots", () => {
  // a slot of one service is never taken for one of another whose name begins or ends alike
  for (const name of profileNames) {
    const { queries, variables } = gatewayProfiles[name];
    if (Object.keys(queries).length === 0) continue;
    it(`of ${name} fit their own slot only`, () => {
      const place = { namespace: "shop", name: "podinfo-green", port: 80 };
      const text = Object.values(variables(place)).join("\n");
      for (const other of [
        { ...place, name: "podinfo-blue" },
        { ...place, name: "podinfo-green-2" },
        { ...place, name: "my-podinfo-green" },
        { ...place, namespace: "shop-2" },
      ]) {
        assert.notEqual(Object.values(variables(other)).join("\n"), text);
      }
    });
  }

  for (const [name, fits, fitsNot] of [
    [
      "envoy-gateway",
      ["service/shop/podinfo-green/80", "service/shop/podinfo-green/80/http"],
      [
        "service/shop/podinfo-green/8080",
        "service/shop/podinfo-green-2/80",
        "service/a/shop/podinfo-green/80",
      ],
    ],
    [
      "traefik",
      ["shop-podinfo-green-80@kubernetesgateway", "shop-podinfo-green-http-80@kubernetesgateway"],
      ["my-shop-podinfo-green-80@kubernetesgateway", "shop-podinfo-green-8080@kubernetesgateway"],
    ],
  ] as const) {
    it(`of ${name} are whole names, as Prometheus takes them`, () => {
      const { cluster } = gatewayProfiles[name].variables({
        namespace: "shop",
        name: "podinfo-green",
        port: 80,
      });
      const pattern = new RegExp(`^(?:${cluster})$`);
      for (const one of fits) assert.match(one, pattern);
      for (const one of fitsNot) assert.doesNotMatch(one, pattern);
    });
  }
});

describe("the built-in metrics of a route", () => {
  const route = (written: object): ReturnType<typeof routeWritten.parse> =>
    parse(routeWritten, written, "route");

  it("are those of its protocol", () => {
    for (const name of profileNames) {
      const profile = gatewayProfiles[name];
      assert.equal(routeQueries(profile, route({})), profile.queries);
      assert.equal(routeQueries(profile, route({ protocol: "grpc" })), profile.grpcQueries);
    }
  });

  it("are none where session affinity puts both slots into one series", () => {
    const sticky = route({ sessionAffinity: { cookie: "slot" } });
    for (const name of profileNames) {
      const profile = gatewayProfiles[name];
      if (!profile.can.has("sessionAffinity")) continue;
      assert.deepEqual(routeQueries(profile, sticky), {});
      assert.match(profile.notes.join("\n"), /session affinity keeps both slots/);
    }
  });

  it("never count a gRPC call that failed as a success", () => {
    for (const name of profileNames) {
      const success = gatewayProfiles[name].grpcQueries["request-success-rate"] ?? "";
      // HTTP's status is 200 whatever gRPC's is
      assert.doesNotMatch(success, /response_code|rq_xx|code!~/);
    }
  });
});

/** Brackets and quotes that pair up. */
function isBalanced(query: string): boolean {
  const plain = query.replaceAll(/"[^"]*"/g, "");
  const closing = new Map([
    ["(", ")"],
    ["{", "}"],
    ["[", "]"],
  ]);
  const open: string[] = [];
  for (const sign of plain) {
    const close = closing.get(sign);
    if (close !== undefined) open.push(close);
    else if (")}]".includes(sign) && open.pop() !== sign) return false;
  }
  return open.length === 0 && !plain.includes('"');
}
