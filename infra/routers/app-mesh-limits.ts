import { ContractError } from "../contract.ts";
import type { PathMatch, RequestMatch, RouteSettings } from "../kubernetes-contract.ts";
import type { AppMeshRouterSettings } from "../router-contract.ts";
import {
  defaultRequestMs,
  headerMatches,
  httpRetryEvents,
  meshPath,
  retryEvents,
  tryMs,
} from "./app-mesh-routes.ts";
import { grpcCall } from "./gateway-rules.ts";
import type { KubernetesRouterArgs } from "./router.ts";

/** Bounds of App Mesh's API, which its resource definitions repeat. */
const conditionsMax = 10;
const headerNameMax = 50;
const methodNameMax = 50;
const valueMax = 255;
const hostnameMax = 253;

const instead = "or use router gateway-api";

/** Throws one ContractError with every reason why App Mesh cannot serve this, each with the change to make. */
export function checkAppMesh(settings: AppMeshRouterSettings, args: KubernetesRouterArgs): void {
  const faults = appMeshFaults(settings, args);
  if (faults.length > 0) throw new ContractError(faults.join("\n"));
}

/** As {@link checkAppMesh}, as a list; empty when App Mesh can serve it. */
export function appMeshFaults(
  settings: AppMeshRouterSettings,
  args: KubernetesRouterArgs,
): readonly string[] {
  if (!settings.allowDiscontinuedAppMesh) {
    return [
      "router.allowDiscontinuedAppMesh: AWS switched App Mesh off on 2026-09-30: nothing would act on these objects, " +
        "and no weight would ever change; use router gateway-api (with Envoy Gateway, Istio, VPC Lattice or another " +
        "profile), or, where this cluster has a control plane of its own for them, set " +
        "router.allowDiscontinuedAppMesh: true",
    ];
  }
  const { route } = args;
  return [
    ...portFaults(args),
    ...missing(route),
    ...hostnameFaults(settings, route),
    ...pathFaults(route),
    ...matchFaults(route),
    ...timeFaults(route),
    ...retryFaults(route),
    ...backendFaults(args.appMeshBackends),
  ];
}

/** See {@link virtualNode} for why both ports are one. */
function portFaults({ port, targetPort }: KubernetesRouterArgs): readonly string[] {
  if (targetPort === port) return [];
  if (targetPort === undefined) {
    return [
      "targetPort: a VirtualNode has the port of the pods by number, not by name: " +
        "set targetPort to that number, and port to the same",
    ];
  }
  return [
    `port: ${port} is not the port of the pods, ${targetPort}: App Mesh asks a slot's Service for the pods' own ` +
      `port, so set port: ${targetPort}`,
  ];
}

function missing({ mirrorPercent, sessionAffinity }: RouteSettings): readonly string[] {
  const has = (field: string): string =>
    `route.${field}: App Mesh (router app-mesh) has no ${field === "mirrorPercent" ? "mirror" : field}; ` +
    `remove it, ${instead}`;
  return [
    ...(mirrorPercent === undefined ? [] : [has("mirrorPercent")]),
    ...(sessionAffinity === undefined ? [] : [has("sessionAffinity")]),
  ];
}

function hostnameFaults(
  { virtualGateway }: AppMeshRouterSettings,
  { hostnames }: RouteSettings,
): readonly string[] {
  if (hostnames.length > 0 && virtualGateway === undefined) {
    return [
      "route.hostnames: only a VirtualGateway tells host names apart, and the router names none; " +
        "remove them, or set router.virtualGateway",
    ];
  }
  return hostnames.flatMap((hostname, index) => {
    const isHost = /^(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)$/.test(hostname);
    if (isHost && hostname.length <= hostnameMax) return [];
    return [
      `route.hostnames[${index}] = ${JSON.stringify(hostname)}: is no host name of ${hostnameMax} characters at most; ` +
        "write lower-case names such as app.example.com or *.example.com, without scheme, port or path",
    ];
  });
}

function pathFaults({ protocol, paths }: RouteSettings): readonly string[] {
  if (paths === undefined) return [];
  if (protocol === "grpc") return callFaults(paths);
  const match = meshPath(paths);
  if ("prefix" in match) return [];
  const length = Math.max(...Object.values(match.path).map(({ length }) => length));
  if (length <= valueMax) return [];
  return [
    `route.paths: App Mesh takes them as one expression, of ${valueMax} characters at most, not ${length}; ` +
      `write fewer or shorter ones, ${instead}`,
  ];
}

function callFaults(paths: readonly PathMatch[]): readonly string[] {
  const calls = paths.map(grpcCall);
  const written =
    'write {exact: "/package.Service/Method"}, or {prefix: "/package.Service"} for all its methods';
  return [
    ...(paths.length > 1
      ? [
          `route.paths: App Mesh (router app-mesh) matches one gRPC call or service, not ${paths.length}; ` +
            `keep one, ${instead}`,
        ]
      : []),
    ...calls.flatMap((call, index) =>
      call === null
        ? [`route.paths[${index}] = ${JSON.stringify(paths[index])}: is no gRPC call; ${written}`]
        : [],
    ),
    ...calls.flatMap((call, index) =>
      (call?.method?.length ?? 0) > methodNameMax
        ? [
            `route.paths[${index}]: App Mesh takes methods of ${methodNameMax} characters at most; ` +
              `take the whole service, ${instead}`,
          ]
        : [],
    ),
  ];
}

function matchFaults({ protocol, canaryMatch = [] }: RouteSettings): readonly string[] {
  const several =
    canaryMatch.length > 1
      ? [
          `route.canaryMatch: App Mesh (router app-mesh) has no "or" between ${canaryMatch.length} matches; keep one, ` +
            `which may name several values in one regex, ${instead}`,
        ]
      : [];
  const inside = canaryMatch.flatMap((match, index) =>
    [...headerFaults(match), ...queryFaults(match, protocol)].map(
      (fault) => `route.canaryMatch[${index}]: ${fault}, ${instead}`,
    ),
  );
  return [...several, ...inside];
}

function headerFaults(match: RequestMatch): readonly string[] {
  const headers = headerMatches(match);
  const tooMany =
    headers.length > conditionsMax
      ? [
          `App Mesh matches ${conditionsMax} headers at most, cookies included, not ${headers.length}; remove some`,
        ]
      : [];
  const tooLong = headers.flatMap(({ name, match: value }) => {
    const length = "exact" in value ? value.exact.length : value.regex.length;
    return [
      ...(name.length > headerNameMax
        ? [
            `header ${name}: App Mesh takes names of ${headerNameMax} characters at most; use a shorter one`,
          ]
        : []),
      ...(length > valueMax
        ? [
            `header ${name}: App Mesh takes values of ${valueMax} characters at most, not ${length}; match less of it`,
          ]
        : []),
    ];
  });
  return [...tooMany, ...tooLong];
}

function queryFaults(
  { query }: RequestMatch,
  protocol: RouteSettings["protocol"],
): readonly string[] {
  const entries = Object.entries(query);
  if (entries.length === 0) return [];
  if (protocol === "grpc") return ["gRPC has no query parameters; match a header"];
  const tooMany =
    entries.length > conditionsMax
      ? [`App Mesh matches ${conditionsMax} query parameters at most; remove some`]
      : [];
  const expressions = entries
    .filter(([, value]) => "regex" in value)
    .map(([name]) => `App Mesh matches query parameter ${name} by its exact value only; use exact`);
  return [...tooMany, ...expressions];
}

/** A try cannot take longer than its request. */
function timeFaults(route: RouteSettings): readonly string[] {
  const { timeouts, retries } = route;
  const { request = defaultRequestMs, backendRequest } = timeouts;
  const isTwice = retries?.timeout !== undefined && backendRequest !== undefined;
  if (isTwice && retries.timeout !== backendRequest) {
    return [
      "route.retries.timeout: App Mesh has one bound on a try, and route.timeouts.backendRequest is another; remove one",
    ];
  }
  // 0 is no bound
  if (request === 0 || tryMs(route) <= request) return [];
  const field = retries?.timeout === undefined ? "timeouts.backendRequest" : "retries.timeout";
  return [
    `route.${field}: ${tryMs(route)} ms for one try is more than a request may take, ${request} ms` +
      `${timeouts.request === undefined ? " unless route.timeouts.request says otherwise" : ""}; ` +
      "lower it, or raise route.timeouts.request",
  ];
}

function retryFaults({ retries, protocol }: RouteSettings): readonly string[] {
  if (retries === undefined) return [];
  const { codes, backoff } = retries;
  const pauses =
    backoff === undefined
      ? []
      : [`route.retries.backoff: App Mesh (router app-mesh) has no backoff; remove it, ${instead}`];
  if (protocol === "grpc" && codes.length > 0) {
    return [
      ...pauses,
      "route.retries.codes: gRPC answers carry no HTTP status; remove them: lost connections are tried again without",
    ];
  }
  if (httpRetryEvents(codes) !== null) return pauses;
  const choices = Object.values(retryEvents).map((statuses) => `[${statuses.join(", ")}]`);
  return [
    ...pauses,
    `route.retries.codes: App Mesh tries statuses again only by groups, and [${codes.join(", ")}] is none; ` +
      `use ${choices.join(", ")} or several of these, remove them, ${instead}`,
  ];
}

function backendFaults(backends: readonly string[]): readonly string[] {
  return backends
    .filter((backend) => !/^[^/]+(\/[^/]+)?$/.test(backend))
    .map(
      (backend) =>
        `appMesh.backends: "${backend}" is no VirtualService; write its name, or namespace/name`,
    );
}
