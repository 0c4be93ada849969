import { request, type RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

const boundMs = 10_000;

/**
 * GETs a path of the API server as it stands, query and all, such as that of a pod's proxy.
 *
 * @throws Error for an answer that is not 2xx, with its body
 */
export async function apiGet(config: KubeConfig, path: string): Promise<string> {
  const server = config.getCurrentCluster()?.server ?? "";
  const options: RequestOptions = { signal: AbortSignal.timeout(boundMs), agent: false };
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const sent = request(`${server}${path}`, options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.once("error", reject);
      response.once("end", () => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(body);
        else reject(new Error(`GET ${path} answered ${status}: ${body}`));
      });
    });
    sent.once("error", reject);
    sent.end();
  });
}
