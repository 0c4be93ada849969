import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { AmpAccess } from "../../rollout/adapters/amp-access.ts";
import { PrometheusClient } from "../../rollout/adapters/prometheus.ts";
import { signatureFault, type Known } from "../support/signature-v4.ts";
import type { MetricsUnderTest } from "./metrics.contract.ts";
import { realPrometheus } from "./real-prometheus.ts";

const path = "/workspaces/ws-1";

const known: Known = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "for+an/hour==",
  region: "eu-central-1",
  service: "aps",
};

/** A real Prometheus behind what lets only rightly signed requests pass, as a workspace of AWS is. */
export async function signedPrometheus(): Promise<MetricsUnderTest> {
  const prometheus = await realPrometheus();
  const server = guard(prometheus.address);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("it does not listen");
  const amp = new AmpAccess({ region: known.region, credentials: () => Promise.resolve(known) });
  const address = `http://127.0.0.1:${bound.port}${path}/`;
  return {
    client: new PrometheusClient({ address, amp }),
    unreachable: () => prometheus.unreachable(),
    async close() {
      server.closeAllConnections();
      server.close();
      await prometheus.close();
    },
  };
}

function guard(address: string): Server {
  return createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const body = await text(request);
      const { method = "", url = "", headers } = request;
      const fault = signatureFault({ method, url, headers, body }, known, Date.now());
      if (fault !== null || !url.startsWith(`${path}/`)) {
        response.writeHead(403).end(JSON.stringify({ message: fault ?? url }));
        return;
      }
      const type = headers["content-type"] ?? "";
      const init = { method, body, headers: { "content-type": type } };
      const answer = await fetch(address + url.slice(path.length), init);
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(await answer.text());
    };
    pass().catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
}
