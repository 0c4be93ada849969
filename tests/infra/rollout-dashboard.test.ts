import assert from "node:assert/strict";
import { z } from "zod";
import { parse } from "../../infra/contract.ts";
import { hasDashboard, rolloutDashboard } from "../../infra/platform/dashboard.ts";
import { profileNames, routerWrittenFor, type RouterWritten } from "../../infra/router-contract.ts";
import { realPrometheus } from "../contracts/real-prometheus.ts";

/** What of Grafana's model is used. */
const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.number(),
  templating: z.object({
    list: z.array(z.looseObject({ name: z.string(), type: z.string() })),
  }),
  panels: z
    .array(
      z.looseObject({
        id: z.number(),
        title: z.string(),
        datasource: z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") }),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z
          .array(z.looseObject({ expr: z.string(), legendFormat: z.enum(["blue", "green"]) }))
          .length(2),
      }),
    )
    .min(1),
});

const gateway = { namespace: "edge", name: "in" };

const routers: readonly (readonly [string, RouterWritten])[] = [
  ...profileNames.map(
    (profile) =>
      [
        `profile ${profile}`,
        parse(routerWrittenFor("kubernetes"), { kind: "gateway-api", profile, gateway }, "router"),
      ] as const,
  ),
  [
    "App Mesh",
    parse(
      routerWrittenFor("kubernetes"),
      { kind: "app-mesh", mesh: "shop", allowDiscontinuedAppMesh: true },
      "router",
    ),
  ],
];

const shown = routers.filter(([, router]) => hasDashboard(router));

/** As Grafana asks for podinfo. */
function asked(expr: string): string {
  const values: Readonly<Record<string, string>> = {
    namespace: "shop",
    service: "podinfo",
    port: "80",
    __rate_interval: "1m0s",
  };
  return expr.replaceAll(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced?: string, plain?: string) => {
    return values[braced ?? plain ?? ""] ?? whole;
  });
}

describe("the dashboard of rollouts", () => {
  it("is there for every router that counts requests of a slot", () => {
    assert.deepEqual(
      routers.filter((one) => !shown.includes(one)).map(([name]) => name),
      ["profile nginx-gateway-fabric", "profile vpc-lattice"],
    );
  });

  for (const [name, router] of shown) {
    describe(`of ${name}`, () => {
      const dashboard = dashboardSchema.parse(JSON.parse(rolloutDashboard(router, "shop")));
      const exprs = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

      it("lets the data source, the namespace and the service be chosen", () => {
        const variables = dashboard.templating.list;
        assert.deepEqual(
          variables.map((variable) => variable.name),
          ["datasource", "namespace", "service", "port"],
        );
        assert.equal(variables[1]?.["query"], "shop");
      });

      it("shows weight, success rate, P99 and requests, none over another", () => {
        const titles = dashboard.panels.map(({ title }) => title);
        assert.deepEqual(titles, ["Weight", "Success rate", "P99", "Requests"]);
        const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
          Array.from(
            { length: w * h },
            (_, index) => `${x + (index % w)},${y + index / w - (index % w) / w}`,
          ),
        );
        assert.equal(new Set(cells).size, cells.length);
        assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, titles.length);
      });

      it("asks about its own slot, and leaves nothing unfilled", () => {
        for (const { title, targets } of dashboard.panels) {
          for (const { expr, legendFormat } of targets) {
            assert.match(asked(expr), new RegExp(`podinfo-${legendFormat}`));
            assert.doesNotMatch(asked(expr), /[{}]{2}|\$/);
            const other = legendFormat === "blue" ? "green" : "blue";
            // a share is of both
            if (title !== "Weight") assert.ok(!expr.includes(`-${other}`), expr);
          }
        }
        assert.equal(exprs.length, 8);
      });
    });
  }

  it("asks only what a real Prometheus understands", async function () {
    this.timeout(600_000);
    const server = await realPrometheus();
    try {
      for (const [name, router] of shown) {
        const { panels } = dashboardSchema.parse(JSON.parse(rolloutDashboard(router, "shop")));
        for (const expr of panels.flatMap(({ targets }) => targets.map((one) => one.expr))) {
          const query = new URLSearchParams({ query: asked(expr) });
          const answer = await fetch(`${server.address}/api/v1/query?${query.toString()}`);
          const text = await answer.text();
          assert.equal(answer.status, 200, `${name}: ${asked(expr)}: ${text}`);
          // nothing is scraped, so there is nothing to show, and no weight of 0 or 100 either
          assert.deepEqual(
            z.object({ data: z.object({ result: z.array(z.unknown()) }) }).parse(JSON.parse(text))
              .data.result,
            [],
          );
        }
      }
    } finally {
      await server.close();
    }
  });
});
