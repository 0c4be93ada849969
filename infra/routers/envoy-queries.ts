/**
 * Built-in metrics from Envoy's own counters, for the clusters that `selector` picks: the success rate in percent (0
 * when every answer is a 5xx: a class that never occurred has no series), P99 and average latency in
 * milliseconds. Without requests none of these has a value. And the requests per second.
 */
export function envoyQueries(selector: string): Readonly<Record<string, string>> {
  const window = "[{{ window }}]";
  const requests = `sum(rate(envoy_cluster_upstream_rq_xx{${selector}}${window}))`;
  const served = `sum(rate(envoy_cluster_upstream_rq_xx{${selector},envoy_response_code_class!="5"}${window}))`;
  const timed = `sum(rate(envoy_cluster_upstream_rq_time_count{${selector}}${window}))`;
  return {
    // the quotient first: it is exactly 1 when nothing failed
    "request-success-rate": `100 * ((${served} or vector(0)) / (${requests} > 0))`,
    "request-duration":
      `histogram_quantile(0.99, sum by (le) (rate(envoy_cluster_upstream_rq_time_bucket{${selector}}${window})))` +
      ` and (${timed} > 0)`,
    "request-duration-average": `sum(rate(envoy_cluster_upstream_rq_time_sum{${selector}}${window})) / (${timed} > 0)`,
    "request-rate": requests,
  };
}
