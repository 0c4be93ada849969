import assert from "node:assert/strict";
import fc from "fast-check";
import { ContractError, parse } from "../../infra/contract.ts";
import { routeWritten, type RouteSettings } from "../../infra/kubernetes-contract.ts";
import { profileNames, type ProfileName } from "../../infra/router-contract.ts";
import { checkCapabilities, neededCapabilities } from "../../infra/routers/gateway-capabilities.ts";
import { capabilities, gatewayProfiles } from "../../infra/routers/gateway-profiles.ts";

function route(written: object = {}): RouteSettings {
  return parse(routeWritten, written, "route");
}

/** The lines of the refusal; none when the route can be done. */
function faults(profile: ProfileName, written: object): readonly string[] {
  try {
    checkCapabilities(profile, route(written));
    return [];
  } catch (error) {
    assert.ok(error instanceof ContractError);
    return error.message.split("\n");
  }
}

const insider = { headers: { "x-canary": { exact: "insider" } } };
const call = { exact: "/pkg.Echo/Get" };

describe("what a route needs of an implementation", () => {
  for (const [written, needed] of [
    [{}, []],
    [{ hostnames: ["a.example.com"], paths: [{ prefix: "/a" }], canaryMatch: [insider] }, []],
    [{ paths: [{ exact: "/a" }, { regex: "/b" }] }, ["regexPath paths"]],
    [{ mirrorPercent: 100 }, ["mirror mirrorPercent"]],
    [{ mirrorPercent: 10 }, ["mirror mirrorPercent", "mirrorPercent mirrorPercent"]],
    [{ timeouts: { request: "1s" } }, ["timeouts timeouts"]],
    [{ timeouts: { backendRequest: "1s" } }, ["timeouts timeouts"]],
    [{ retries: { attempts: 1 } }, ["retries retries"]],
    [{ retries: { attempts: 1, timeout: "1s" } }, ["retries retries", "timeouts retries.timeout"]],
    [{ sessionAffinity: { cookie: "a" } }, ["sessionAffinity sessionAffinity"]],
    [{ canaryMatch: [insider, { headers: { a: { regex: "b" } } }] }, ["regexMatch canaryMatch[1]"]],
    [{ canaryMatch: [{ cookies: { a: { exact: "b" } } }] }, ["regexMatch canaryMatch[0]"]],
    [{ canaryMatch: [{ query: { a: { exact: "b" } } }] }, ["queryMatch canaryMatch[0]"]],
    [
      { canaryMatch: [{ query: { a: { regex: "b" } } }] },
      ["regexMatch canaryMatch[0]", "queryMatch canaryMatch[0]"],
    ],
    [{ protocol: "grpc" }, ["grpc protocol"]],
    [{ protocol: "grpc", paths: [call], canaryMatch: [insider] }, ["grpc protocol"]],
    [
      { protocol: "grpc", paths: [{ prefix: "/pkg.Echo" }] },
      ["grpc protocol", "grpcService paths"],
    ],
    [
      { protocol: "grpc", canaryMatch: [insider] },
      ["grpc protocol", "grpcHeadersAlone canaryMatch"],
    ],
    [
      { protocol: "grpc", paths: [call, { prefix: "/" }], canaryMatch: [insider] },
      ["grpc protocol", "grpcHeadersAlone canaryMatch"],
    ],
  ] as const) {
    it(`is ${needed.join(", ") || "nothing"} for ${JSON.stringify(written)}`, () => {
      assert.deepEqual(
        neededCapabilities(route(written)).map(({ capability, field }) => `${capability} ${field}`),
        needed,
      );
    });
  }
});

describe("a route that an implementation cannot do", () => {
  for (const [profile, written, lines] of [
    [
      "contour",
      { mirrorPercent: 10 },
      [
        "route.mirrorPercent: Contour 1.33 (profile contour) has no mirroring of a share of the requests; " +
          "set it to 100, or remove it, or use profile envoy-gateway, istio, nginx-gateway-fabric, kgateway",
      ],
    ],
    [
      "traefik",
      { mirrorPercent: 100 },
      [
        "route.mirrorPercent: Traefik 3.7 (profile traefik) has no mirroring; remove it, " +
          "or use profile envoy-gateway, contour, istio, nginx-gateway-fabric, kgateway",
      ],
    ],
    [
      "nginx-gateway-fabric",
      { timeouts: { request: "1s" } },
      [
        "route.timeouts: NGINX Gateway Fabric 2.7 (profile nginx-gateway-fabric) has no timeouts in a route; remove it, " +
          "or use profile envoy-gateway, contour, istio, kgateway, linkerd",
      ],
    ],
    [
      "contour",
      { retries: { attempts: 1 } },
      [
        "route.retries: Contour 1.33 (profile contour) has no retries in a route; remove it, " +
          "or use profile envoy-gateway, istio, kgateway",
      ],
    ],
    [
      "istio",
      { sessionAffinity: { cookie: "a" } },
      [
        "route.sessionAffinity: Istio 1.31 (profile istio) has no session affinity in a route; remove it, " +
          "or use profile envoy-gateway",
      ],
    ],
    [
      "vpc-lattice",
      { canaryMatch: [{ cookies: { a: { exact: "b" } } }] },
      [
        "route.canaryMatch[0]: AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) has no match by regular expression, " +
          "which a cookie needs too; remove it, or use profile envoy-gateway, contour, istio, traefik, nginx-gateway-fabric, kgateway, linkerd",
      ],
    ],
    [
      "vpc-lattice",
      { canaryMatch: [{ query: { a: { exact: "b" } } }] },
      [
        "route.canaryMatch[0]: AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) has no match of query parameters; " +
          "remove it, or use profile envoy-gateway, contour, istio, traefik, nginx-gateway-fabric, kgateway, linkerd",
      ],
    ],
    [
      "vpc-lattice",
      { paths: [{ regex: "/a" }] },
      [
        "route.paths: AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) has no path by regular expression; " +
          "remove it, or use profile envoy-gateway, contour, istio, traefik, nginx-gateway-fabric, kgateway, linkerd",
      ],
    ],
    [
      "contour",
      { protocol: "grpc", paths: [{ prefix: "/pkg.Echo" }] },
      [
        "route.paths: Contour 1.33 (profile contour) has no match of a gRPC service without a method; " +
          'name the calls with paths: [{exact: "/package.Service/Method"}], ' +
          "or use profile envoy-gateway, istio, traefik, kgateway, linkerd, vpc-lattice",
      ],
    ],
    [
      "vpc-lattice",
      { protocol: "grpc", canaryMatch: [insider] },
      [
        "route.canaryMatch: AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) has no match of gRPC calls by headers alone; " +
          'name the calls with paths: [{exact: "/package.Service/Method"}], ' +
          "or use profile envoy-gateway, contour, istio, traefik, nginx-gateway-fabric, kgateway, linkerd",
      ],
    ],
    [
      "vpc-lattice",
      {
        hostnames: ["a.example.com", "b.example.com"],
        paths: [{ prefix: "/a" }, { prefix: "/b" }],
      },
      [
        "route.hostnames: has 2 names, and AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) takes at most 1; remove some",
        "route.paths and route.canaryMatch: make 2 matches, every path with every match of canaryMatch, " +
          "and AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) takes at most 1; write fewer",
      ],
    ],
    [
      "vpc-lattice",
      { canaryMatch: [{ headers: headersOf(6) }] },
      [
        "route.canaryMatch[0]: has 6 headers and cookies, and AWS Gateway API Controller 2 (VPC Lattice) (profile vpc-lattice) " +
          "takes at most 5; write fewer",
      ],
    ],
    [
      "envoy-gateway",
      { canaryMatch: [{ headers: headersOf(16), cookies: { a: { exact: "b" } } }] },
      [
        "route.canaryMatch[0]: has 17 headers and cookies, and Envoy Gateway 1.9 (profile envoy-gateway) takes at most 16; write fewer",
      ],
    ],
  ] as const) {
    it(`is refused by ${profile}: ${JSON.stringify(written).slice(0, 80)}`, () => {
      assert.deepEqual(faults(profile, written), lines);
    });
  }

  it("has all its faults named at once", () => {
    const written = { mirrorPercent: 10, retries: { attempts: 1 }, hostnames: ["A B"] };
    assert.deepEqual(
      faults("contour", written).map((line) => line.split(":")[0]),
      ['route.hostnames[0] = "A B"', "route.mirrorPercent", "route.retries"],
    );
  });
});

/** As many different headers. */
function headersOf(count: number): Record<string, { exact: string }> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`x-${index}`, { exact: "a" }]),
  );
}

describe("a route that Gateway API cannot say", () => {
  const long = "a".repeat(4_097);
  for (const [written, lines] of [
    [
      { hostnames: ["https://a.example.com", "10.0.0.1", "*.example.com", "a"] },
      ['"https://a.example.com"', '"10.0.0.1"'].map(
        (host, index) =>
          `route.hostnames[${index}] = ${host}: is no host name; write lower-case names such as app.example.com or *.example.com, ` +
          "without scheme, port or path",
      ),
    ],
    [
      {
        paths: [
          { prefix: "/a//b" },
          { exact: "/a b" },
          { prefix: "/a/.." },
          { exact: "/a%2fb" },
          { exact: "/a?b" },
        ],
      },
      [
        '{"prefix":"/a//b"}',
        '{"exact":"/a b"}',
        '{"prefix":"/a/.."}',
        '{"exact":"/a%2fb"}',
        '{"exact":"/a?b"}',
      ].map(
        (path, index) =>
          `route.paths[${index}] = ${path}: is no path in its plain form; encode what is special (a space is %20), ` +
          "and leave out query, //, /./, /../ and %2F",
      ),
    ],
    [{ paths: [{ regex: "/a//b|\\d+" }, { exact: "/a%20b" }, { prefix: "/.a" }] }, []],
    [{ paths: [{ prefix: `/${long}` }] }, ["route.paths[0]: is longer than 1024 characters"]],
    [
      { canaryMatch: [{ headers: { "X-A": { exact: "1" }, "x-a": { exact: "2" } } }] },
      [
        "route.canaryMatch[0].headers: names x-a twice, and a match takes a header once; write one regex for it",
      ],
    ],
    [
      { canaryMatch: [{ cookies: { a: { exact: "1" }, b: { exact: "2" } } }] },
      [
        'route.canaryMatch[0].cookies: a match takes one cookie at most, and none beside a header "cookie"; ' +
          "write a regex of header cookie that asks for all of them",
      ],
    ],
    [
      { canaryMatch: [{ headers: { Cookie: { exact: "a=1" } }, cookies: { b: { exact: "2" } } }] },
      [
        'route.canaryMatch[0].cookies: a match takes one cookie at most, and none beside a header "cookie"; ' +
          "write a regex of header cookie that asks for all of them",
      ],
    ],
    [
      { canaryMatch: [{ headers: { "x a": { exact: "1" } }, query: { "": { exact: "1" } } }] },
      [
        'route.canaryMatch[0].headers: "x a" cannot be a name; use letters, digits and -',
        'route.canaryMatch[0].query: "" cannot be a name; use letters, digits and -',
      ],
    ],
    [
      {
        canaryMatch: [{ headers: { a: { exact: "ä" }, b: { regex: "1  2" }, c: { exact: " 1" } } }],
      },
      [
        ["a", "ä"],
        ["b", "1  2"],
        ["c", " 1"],
      ].map(
        ([name, value]) =>
          `route.canaryMatch[0].headers.${name} = "${value}": a match takes visible ASCII characters and single blanks between them; ` +
          "write \\x20 for other blanks in a regex",
      ),
    ],
    [
      { canaryMatch: [{ headers: { a: { exact: long } }, query: { b: { exact: long } } }] },
      [
        "route.canaryMatch[0].headers.a: is longer than 4096 characters; shorten it",
        "route.canaryMatch[0].query.b: is longer than 1024 characters; shorten it",
      ],
    ],
    [
      { canaryMatch: [{ query: headersOf(17) }] },
      ["route.canaryMatch[0].query: has more than 16 parameters; write fewer"],
    ],
    [
      { timeouts: { request: "1s", backendRequest: "2s" } },
      [
        "route.timeouts.backendRequest: one try may not take longer than the whole request, timeouts.request; shorten it",
      ],
    ],
    [
      { timeouts: { request: "1s" }, retries: { attempts: 1, timeout: "2s" } },
      [
        "route.retries.timeout: one try may not take longer than the whole request, timeouts.request; shorten it",
      ],
    ],
    [{ timeouts: { request: "0s", backendRequest: "2s" } }, []],
    [
      { timeouts: { backendRequest: "1s" }, retries: { attempts: 1, timeout: "2s" } },
      ["route.retries.timeout: is the same thing as timeouts.backendRequest; set only one of them"],
    ],
    [
      { timeouts: { request: "100000h" } },
      ["route.timeouts.request: is longer than 99999h; shorten it"],
    ],
    [
      { sessionAffinity: { cookie: "a".repeat(129) } },
      ["route.sessionAffinity.cookie: is longer than 128 characters; shorten it"],
    ],
    [
      {
        protocol: "grpc",
        paths: [{ exact: "/a" }, { regex: "/a/b" }],
        canaryMatch: [{ query: { a: { exact: "1" } } }],
        timeouts: { request: "1s" },
        retries: { attempts: 1 },
      },
      [
        ...['{"exact":"/a"}', '{"regex":"/a/b"}'].map(
          (path, index) =>
            `route.paths[${index}] = ${path}: is no gRPC call; write {exact: "/package.Service/Method"}, ` +
            'or {prefix: "/package.Service"} for all its methods',
        ),
        ...["canaryMatch[0].query", "timeouts", "retries"].map(
          (field) => `route.${field}: a GRPCRoute has none; remove it, or use protocol http`,
        ),
      ],
    ],
  ] as const) {
    it(`is refused of every implementation: ${JSON.stringify(written).slice(0, 80)}`, () => {
      // it can do all there is, so nothing else is in the way
      assert.deepEqual(faults("envoy-gateway", written), lines);
    });
  }
});

describe("the check of a route", () => {
  const settings = fc.record(
    {
      protocol: fc.constantFrom("http", "grpc"),
      hostnames: fc.constantFrom([], ["a.example.com"], ["a.example.com", "b.example.com"]),
      paths: fc.constantFrom(
        undefined,
        [{ prefix: "/" }],
        [{ regex: "/a" }],
        [call],
        [{ prefix: "/pkg.Echo" }],
      ),
      canaryMatch: fc.constantFrom(
        undefined,
        [insider],
        [insider, { cookies: { a: { exact: "b" } } }],
        [{ query: { a: { regex: "b" } } }],
      ),
      mirrorPercent: fc.constantFrom(undefined, 10, 100),
      timeouts: fc.constantFrom({}, { request: "1s" }),
      retries: fc.constantFrom(undefined, { attempts: 1 }, { attempts: 1, timeout: "1s" }),
      sessionAffinity: fc.constantFrom(undefined, { cookie: "a" }),
    },
    { requiredKeys: [] },
  );

  it("refuses exactly what a profile lacks, and names a place, a change and only profiles that have it", () => {
    fc.assert(
      fc.property(settings, fc.constantFrom(...profileNames), (written, name) => {
        const { can } = gatewayProfiles[name];
        const needed = neededCapabilities(route(written));
        const lacking = needed.filter(({ capability }) => !can.has(capability));
        const lines = faults(name, written).filter((line) => line.includes("has no "));
        assert.equal(lines.length, lacking.length);
        for (const [index, { capability, field }] of lacking.entries()) {
          const line = lines[index] ?? "";
          assert.ok(line.startsWith(`route.${field}: `), line);
          assert.match(line, /; (remove|set|use|name) /);
          const named = /or use profile (.*)$/.exec(line)?.[1]?.split(", ") ?? [];
          assert.deepEqual(
            named,
            profileNames.filter((other) => gatewayProfiles[other].can.has(capability)),
          );
        }
      }),
    );
  });

  it("names no profile for what none has", () => {
    for (const capability of capabilities) {
      assert.ok(
        profileNames.some((name) => gatewayProfiles[name].can.has(capability)),
        `nobody has ${capability}: why is it asked for?`,
      );
    }
  });
});
