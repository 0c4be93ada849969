import { seconds, toMs } from "./durations.ts";
import type { EnvoyObject } from "./envoy-object.ts";
import type { RetryPolicy } from "./objects.ts";

/** A retry goes to another endpoint of the same cluster where there is one, never to another target. */
const otherHost: EnvoyObject = {
  retry_host_predicate: [
    {
      name: "envoy.retry_host_predicates.previous_hosts",
      typed_config: {
        "@type":
          "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
      },
    },
  ],
  host_selection_retry_max_attempts: 5,
};

/** What App Mesh gave, unseen, to every route that had no policy of its own. */
export const defaultRetryPolicy: EnvoyObject = {
  retry_on: "connect-failure,refused-stream,reset,unavailable,retriable-status-codes",
  num_retries: 2,
  ...otherHost,
  retriable_status_codes: [503],
};

const codesByHttpEvent: Readonly<Record<string, readonly number[]>> = {
  "server-error": [500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
  "gateway-error": [502, 503, 504],
  "client-error": [409],
};

const wordsByEvent: Readonly<Record<string, readonly string[]>> = {
  // A dump of a real Envoy of App Mesh shows both for stream-error.
  "stream-error": ["reset", "refused-stream"],
  "connection-error": ["connect-failure"],
};

/** A route's policy as Envoy has it. */
export function retryPolicy(policy: RetryPolicy | undefined): EnvoyObject {
  if (policy === undefined) return defaultRetryPolicy;
  const { maxRetries, perRetryTimeout, httpRetryEvents, tcpRetryEvents, grpcRetryEvents } = policy;
  const codes = [...new Set(httpRetryEvents.flatMap((event) => codesByHttpEvent[event] ?? []))];
  const words = [...httpRetryEvents, ...tcpRetryEvents].flatMap(
    (event) => wordsByEvent[event] ?? [],
  );
  const retryOn = [
    ...words,
    ...grpcRetryEvents,
    ...(codes.length === 0 ? [] : ["retriable-status-codes"]),
  ];
  return {
    retry_on: retryOn.join(","),
    num_retries: maxRetries,
    per_try_timeout: seconds(toMs(perRetryTimeout)),
    ...otherHost,
    ...(codes.length === 0 ? {} : { retriable_status_codes: codes }),
  };
}
