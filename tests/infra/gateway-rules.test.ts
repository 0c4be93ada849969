import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "../../infra/contract.ts";
import { routeWritten, type RouteSettings } from "../../infra/kubernetes-contract.ts";
import {
  cookieMatch,
  durationText,
  grpcCall,
  routeRules,
  type RuleArgs,
} from "../../infra/routers/gateway-rules.ts";

function route(written: object = {}): RouteSettings {
  return parse(routeWritten, written, "route");
}

/** Blue is primary with 80 percent, green has 20. */
function args(written: object = {}, more: Partial<RuleArgs> = {}): RuleArgs {
  return {
    route: route(written),
    backends: { blue: "podinfo-blue", green: "podinfo-green" },
    port: 80,
    weights: { blue: 80, green: 20 },
    primary: "blue",
    canary: null,
    ...more,
  };
}

const split = [
  { kind: "Service", name: "podinfo-blue", port: 80, weight: 80 },
  { kind: "Service", name: "podinfo-green", port: 80, weight: 20 },
];
const allToBlue = [{ kind: "Service", name: "podinfo-blue", port: 80, weight: 100 }];

const insider = { headers: { "x-canary": { exact: "insider" } } };
const insiderHeader = [{ type: "Exact", name: "x-canary", value: "insider" }];

describe("the rules of a route", () => {
  for (const [what, written, rules] of [
    ["nothing but the split", {}, [{ backendRefs: split }]],
    [
      "paths of each kind",
      { paths: [{ prefix: "/a" }, { exact: "/b" }, { regex: "/c.*" }] },
      [
        {
          matches: [
            { path: { type: "PathPrefix", value: "/a" } },
            { path: { type: "Exact", value: "/b" } },
            { path: { type: "RegularExpression", value: "/c.*" } },
          ],
          backendRefs: split,
        },
      ],
    ],
    [
      "an A/B match",
      { canaryMatch: [insider] },
      [{ matches: [{ headers: insiderHeader }], backendRefs: split }, { backendRefs: allToBlue }],
    ],
    [
      "every path with every A/B match",
      {
        paths: [{ prefix: "/a" }, { exact: "/b" }],
        canaryMatch: [insider, { query: { beta: { regex: "1|true" } } }],
      },
      [
        {
          matches: [
            { path: { type: "PathPrefix", value: "/a" }, headers: insiderHeader },
            {
              path: { type: "PathPrefix", value: "/a" },
              queryParams: [{ type: "RegularExpression", name: "beta", value: "1|true" }],
            },
            { path: { type: "Exact", value: "/b" }, headers: insiderHeader },
            {
              path: { type: "Exact", value: "/b" },
              queryParams: [{ type: "RegularExpression", name: "beta", value: "1|true" }],
            },
          ],
          backendRefs: split,
        },
        {
          matches: [
            { path: { type: "PathPrefix", value: "/a" } },
            { path: { type: "Exact", value: "/b" } },
          ],
          backendRefs: allToBlue,
        },
      ],
    ],
    [
      "headers and a cookie that must all be there",
      {
        canaryMatch: [
          { headers: { "x-a": { regex: "1.*" } }, cookies: { user: { exact: "a.b" } } },
        ],
      },
      [
        {
          matches: [
            {
              headers: [
                { type: "RegularExpression", name: "x-a", value: "1.*" },
                {
                  type: "RegularExpression",
                  name: "cookie",
                  value: String.raw`^(?:.*;\s*)?user=a\.b(?:;.*)?$`,
                },
              ],
            },
          ],
          backendRefs: split,
        },
        { backendRefs: allToBlue },
      ],
    ],
    [
      "timeouts",
      { timeouts: { request: "10s", backendRequest: "2.5s" } },
      [{ timeouts: { request: "10s", backendRequest: "2s500ms" }, backendRefs: split }],
    ],
    [
      "retries, each status once",
      { retries: { attempts: 2, codes: [503, 502, 503], backoff: "100ms" } },
      [{ retry: { attempts: 2, codes: [503, 502], backoff: "100ms" }, backendRefs: split }],
    ],
    [
      "the time of one try, which Gateway API has among the timeouts",
      { retries: { attempts: 1, timeout: "1s" } },
      [{ timeouts: { backendRequest: "1s" }, retry: { attempts: 1 }, backendRefs: split }],
    ],
    [
      "session affinity",
      { sessionAffinity: { cookie: "slot" } },
      [{ sessionPersistence: { type: "Cookie", sessionName: "slot" }, backendRefs: split }],
    ],
  ] as const) {
    it(`have ${what}`, () => assert.deepEqual(routeRules(args(written)), rules));
  }

  it("treat the requests that do not match an A/B match alike", () => {
    const written = {
      canaryMatch: [insider],
      timeouts: { request: "3s" },
      retries: { attempts: 1 },
      mirrorPercent: 100,
    };
    const [first, second, ...more] = routeRules(args(written, { canary: "green" }));
    assert.deepEqual(more, []);
    for (const rule of [first, second]) {
      assert.deepEqual(Reflect.get(Object(rule), "timeouts"), { request: "3s" });
      assert.deepEqual(Reflect.get(Object(rule), "retry"), { attempts: 1 });
    }
    // only what is split is copied
    assert.equal(Reflect.get(Object(second), "filters"), undefined);
  });

  it("leave those requests with whoever is primary", () => {
    const [, second] = routeRules(args({ canaryMatch: [insider] }, { primary: "green" }));
    assert.deepEqual(second, {
      backendRefs: [{ kind: "Service", name: "podinfo-green", port: 80, weight: 100 }],
    });
  });

  it("always split first, blue before green, with the weights as they are", () => {
    const written = fc.record(
      {
        paths: fc.constant([{ prefix: "/a" }]),
        canaryMatch: fc.constant([insider]),
        mirrorPercent: fc.integer({ min: 1, max: 100 }),
        timeouts: fc.constant({ request: "1s" }),
      },
      { requiredKeys: [] },
    );
    const slot = fc.constantFrom("blue", "green");
    fc.assert(
      fc.property(
        written,
        fc.integer({ min: 0, max: 100 }),
        slot,
        fc.option(slot),
        (settings, blue, primary, canary) => {
          const weights = { blue, green: 100 - blue };
          const [first] = routeRules(args(settings, { weights, primary, canary }));
          assert.deepEqual(Reflect.get(Object(first), "backendRefs"), [
            { kind: "Service", name: "podinfo-blue", port: 80, weight: blue },
            { kind: "Service", name: "podinfo-green", port: 80, weight: 100 - blue },
          ]);
        },
      ),
    );
  });
});

describe("the mirror of a route", () => {
  function filters(written: object, more: Partial<RuleArgs>): unknown {
    return Reflect.get(Object(routeRules(args(written, more))[0]), "filters");
  }
  const copy = { backendRef: { kind: "Service", name: "podinfo-green", port: 80 } };
  const none = { blue: 100, green: 0 };

  it("copies to the canary what is asked for", () => {
    assert.deepEqual(filters({ mirrorPercent: 10 }, { canary: "green", weights: none }), [
      { type: "RequestMirror", requestMirror: { ...copy, percent: 10 } },
    ]);
    // all is the default, which implementations without percent know too
    assert.deepEqual(filters({ mirrorPercent: 100 }, { canary: "green", weights: none }), [
      { type: "RequestMirror", requestMirror: copy },
    ]);
  });

  for (const [what, written, more] of [
    ["nobody asks for one", {}, { canary: "green", weights: none }],
    ["nothing is rolled out", { mirrorPercent: 10 }, { canary: null }],
    [
      "the canary has requests of its own",
      { mirrorPercent: 10 },
      { canary: "green", weights: { blue: 99, green: 1 } },
    ],
  ] as const) {
    it(`is none when ${what}`, () => assert.equal(filters(written, more), undefined));
  }
});

describe("the rules of a gRPC route", () => {
  it("match services and methods in the place of paths", () => {
    const written = {
      protocol: "grpc",
      paths: [{ exact: "/pkg.v1.Echo/Get" }, { prefix: "/pkg.v1.Other" }],
      canaryMatch: [insider],
    };
    const places = [
      { method: { type: "Exact", service: "pkg.v1.Echo", method: "Get" } },
      { method: { type: "Exact", service: "pkg.v1.Other" } },
    ];
    assert.deepEqual(routeRules(args(written)), [
      {
        matches: places.map((place) => ({ ...place, headers: insiderHeader })),
        backendRefs: split,
      },
      { matches: places, backendRefs: allToBlue },
    ]);
  });

  it("match every call without paths, and with the path of all", () => {
    for (const paths of [undefined, [{ prefix: "/" }]]) {
      const plain = { protocol: "grpc", ...(paths === undefined ? {} : { paths }) };
      assert.deepEqual(routeRules(args(plain)), [{ backendRefs: split }]);
      assert.deepEqual(routeRules(args({ ...plain, canaryMatch: [insider] })), [
        { matches: [{ headers: insiderHeader }], backendRefs: split },
        { backendRefs: allToBlue },
      ]);
    }
  });

  for (const [path, call] of [
    [{ exact: "/a.B/C" }, { service: "a.B", method: "C" }],
    [{ prefix: "/a.B/C" }, { service: "a.B", method: "C" }],
    [{ prefix: "/a.B/" }, { service: "a.B" }],
    [{ prefix: "/a.B" }, { service: "a.B" }],
    [{ prefix: "/" }, {}],
    [{ exact: "/a.B" }, null],
    [{ exact: "/a.B/" }, null],
    [{ exact: "/" }, null],
    [{ exact: "/a/b/c" }, null],
    [{ exact: "/a b/c" }, null],
    [{ exact: "/1a/b" }, null],
    [{ prefix: "/a/b/c" }, null],
    [{ regex: "/a.B/.*" }, null],
  ] as const) {
    it(`take ${JSON.stringify(path)} for ${call === null ? "no call" : JSON.stringify(call)}`, () => {
      assert.deepEqual(grpcCall(path), call);
    });
  }
});

describe("a cookie in a header", () => {
  const name = fc.stringMatching(/^[\w-]{1,8}$/);
  const value = fc.stringMatching(/^[!#-+\--:<-[\]-~]{1,12}$/);

  it("is found wherever it stands, and only when it is that one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { maxLength: 4 }),
        name,
        value,
        (others, mine, wanted) => {
          const pattern = new RegExp(cookieMatch(mine, { exact: wanted }).regex);
          const header = (cookies: readonly (readonly [string, string])[]): string =>
            cookies.map(([key, text]) => `${key}=${text}`).join("; ");
          for (let at = 0; at <= others.length; at += 1) {
            assert.match(header(others.toSpliced(at, 0, [mine, wanted])), pattern);
          }
          const without = others.filter(([key]) => key !== mine);
          assert.doesNotMatch(header(without), pattern);
          assert.doesNotMatch(header([...without, [mine, `${wanted}x`]]), pattern);
          assert.doesNotMatch(header([...without, [`x${mine}`, wanted]]), pattern);
        },
      ),
    );
  });

  it("takes a regular expression with choices as one", () => {
    const pattern = new RegExp(cookieMatch("user", { regex: "a|b" }).regex);
    for (const header of ["user=a", "x=1; user=b", "user=b;x=1"]) assert.match(header, pattern);
    for (const header of ["user=ab", "b", "user=c; b"]) assert.doesNotMatch(header, pattern);
  });
});

describe("a duration of Gateway API", () => {
  for (const [ms, text] of [
    [0, "0s"],
    [1, "1ms"],
    [999, "999ms"],
    [1_000, "1s"],
    [90_500, "90s500ms"],
    [99_999_000, "99999s"],
    [100_000_000, "27h2800s"],
    [100_000_001, "27h2800s1ms"],
  ] as const) {
    it(`is ${text} for ${ms} ms`, () => assert.equal(durationText(ms), text));
  }

  it("has the form that the API server asks for, and loses nothing", () => {
    const units = { h: 3_600_000, s: 1_000, ms: 1 } as const;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999 * units.h }), (ms) => {
        const text = durationText(ms);
        assert.match(text, /^([0-9]{1,5}(h|m|s|ms)){1,4}$/);
        const total = [...text.matchAll(/(\d+)(h|ms|s)/g)].reduce(
          // the pattern admits only the keys of units
          (sum, [, amount, unit]) => sum + Number(amount) * units[unit as keyof typeof units],
          0,
        );
        assert.equal(total, ms);
      }),
    );
  });
});
