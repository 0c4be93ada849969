import type { RequestMatch, RouteSettings, ValueMatch } from "../kubernetes-contract.ts";
import { cookieMatch, grpcCall } from "./gateway-rules.ts";

/** What the definitions of Gateway API 1.6 let a route have; an implementation may take less. */
export const gatewayApiLimits = { hostnames: 16, matchesPerRule: 64, headersPerMatch: 16 } as const;

const nameMax = 256;
const headerValueMax = 4_096;
const queryValueMax = 1_024;
const queriesMax = 16;
const pathMax = 1_024;
const cookieMax = 128;
const hostMax = 253;
/** The longest duration that five digits of hours can say, in ms. */
const durationMaxMs = 99_999 * 3_600_000;

/**
 * What of a route's settings no object of Gateway API can say, each with its field and what to do; empty when
 * all can be said. The API server would refuse it too, in the middle of an update and in other words.
 */
export function routeFaults(route: RouteSettings): readonly string[] {
  const { hostnames, canaryMatch = [], protocol, sessionAffinity } = route;
  return [
    ...hostnames.flatMap((host, index) => hostFaults(host, `route.hostnames[${index}]`)),
    ...(protocol === "grpc" ? grpcFaults(route) : pathFaults(route)),
    ...canaryMatch.flatMap((match, index) => matchFaults(match, `route.canaryMatch[${index}]`)),
    ...timeFaults(route),
    ...(sessionAffinity !== undefined && sessionAffinity.cookie.length > cookieMax
      ? [`route.sessionAffinity.cookie: is longer than ${cookieMax} characters; shorten it`]
      : []),
  ];
}

function hostFaults(host: string, field: string): readonly string[] {
  const part = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?";
  const isName = new RegExp(String.raw`^(?:\*\.)?${part}(?:\.${part})*$`).test(host);
  if (isName && host.length <= hostMax && !/^[\d.]+$/.test(host)) return [];
  return [
    `${field} = ${JSON.stringify(host)}: is no host name; write lower-case names such as ` +
      "app.example.com or *.example.com, without scheme, port or path",
  ];
}

function grpcFaults({ paths = [], canaryMatch = [], timeouts, retries }: RouteSettings): string[] {
  const has = (field: string): string =>
    `route.${field}: a GRPCRoute has none; remove it, or use protocol http`;
  return [
    ...paths.flatMap((path, index) =>
      grpcCall(path) === null
        ? [
            `route.paths[${index}] = ${JSON.stringify(path)}: is no gRPC call; write ` +
              '{exact: "/package.Service/Method"}, or {prefix: "/package.Service"} for all its methods',
          ]
        : [],
    ),
    ...canaryMatch.flatMap(({ query }, index) =>
      Object.keys(query).length > 0 ? [has(`canaryMatch[${index}].query`)] : [],
    ),
    ...(timeouts.request === undefined && timeouts.backendRequest === undefined
      ? []
      : [has("timeouts")]),
    ...(retries === undefined ? [] : [has("retries")]),
  ];
}

function pathFaults({ paths = [] }: RouteSettings): readonly string[] {
  return paths.flatMap((path, index) => {
    const [value = ""] = Object.values(path);
    const field = `route.paths[${index}]`;
    if (value.length > pathMax) return [`${field}: is longer than ${pathMax} characters`];
    if ("regex" in path) return [];
    const isPlain = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/.test(value);
    if (isPlain && !/\/\/|%2f|\/\.{1,2}(?:\/|$)/i.test(value)) return [];
    return [
      `${field} = ${JSON.stringify(path)}: is no path in its plain form; encode what is special ` +
        "(a space is %20), and leave out query, //, /./, /../ and %2F",
    ];
  });
}

function matchFaults({ headers, cookies, query }: RequestMatch, field: string): readonly string[] {
  const cookieValues = Object.entries(cookies).map(([name, match]) => cookieMatch(name, match));
  return [
    ...headerFaults(headers, cookies, field),
    ...Object.entries(headers).flatMap(([name, match]) => [
      ...nameFaults(name, `${field}.headers`),
      ...valueFaults(match, headerValueMax, `${field}.headers.${name}`),
    ]),
    ...cookieValues.flatMap((match) => valueFaults(match, headerValueMax, `${field}.cookies`)),
    ...(Object.keys(query).length > queriesMax
      ? [`${field}.query: has more than ${queriesMax} parameters; write fewer`]
      : []),
    ...Object.entries(query).flatMap(([name, match]) => [
      ...nameFaults(name, `${field}.query`),
      ...valueFaults(match, queryValueMax, `${field}.query.${name}`),
    ]),
  ];
}

/** Each header counts once, whatever its case, and all cookies are in one. */
function headerFaults(
  headers: RequestMatch["headers"],
  cookies: RequestMatch["cookies"],
  field: string,
): readonly string[] {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const fromCookies = Object.keys(cookies);
  const isCookieTwice = fromCookies.length + names.filter((name) => name === "cookie").length > 1;
  return [
    ...twice.map(
      (name) =>
        `${field}.headers: names ${name} twice, and a match takes a header once; write one regex for it`,
    ),
    ...(isCookieTwice && fromCookies.length > 0
      ? [
          `${field}.cookies: a match takes one cookie at most, and none beside a header "cookie"; ` +
            "write a regex of header cookie that asks for all of them",
        ]
      : []),
  ];
}

function nameFaults(name: string, field: string): readonly string[] {
  return name.length <= nameMax && /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name)
    ? []
    : [`${field}: ${JSON.stringify(name)} cannot be a name; use letters, digits and -`];
}

function valueFaults(match: ValueMatch, max: number, field: string): readonly string[] {
  const value = "exact" in match ? match.exact : match.regex;
  if (value.length > max) return [`${field}: is longer than ${max} characters; shorten it`];
  return /^[!-~]+(?:[\t ]?[!-~]+)*$/.test(value)
    ? []
    : [
        `${field} = ${JSON.stringify(value)}: a match takes visible ASCII characters and single blanks between them; ` +
          "write \\x20 for other blanks in a regex",
      ];
}

function timeFaults({ timeouts, retries }: RouteSettings): readonly string[] {
  const { request, backendRequest } = timeouts;
  const tryMs = backendRequest ?? retries?.timeout;
  const tryField = backendRequest === undefined ? "retries.timeout" : "timeouts.backendRequest";
  const times = {
    "timeouts.request": request,
    "timeouts.backendRequest": backendRequest,
    "retries.timeout": retries?.timeout,
    "retries.backoff": retries?.backoff,
  };
  const tooLong = Object.entries(times)
    .filter(([, ms]) => ms !== undefined && ms > durationMaxMs)
    .map(([name]) => `route.${name}: is longer than 99999h; shorten it`);
  return [
    ...tooLong,
    ...(backendRequest !== undefined &&
    retries?.timeout !== undefined &&
    retries.timeout !== backendRequest
      ? [
          "route.retries.timeout: is the same thing as timeouts.backendRequest; set only one of them",
        ]
      : []),
    // 0 is no limit
    ...(request !== undefined && tryMs !== undefined && request > 0 && tryMs > request
      ? [
          `route.${tryField}: one try may not take longer than the whole request, timeouts.request; shorten it`,
        ]
      : []),
  ];
}
