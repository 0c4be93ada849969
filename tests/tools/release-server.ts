import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { ReleaseWay } from "../../tools/tool-row.ts";
import { type Platform } from "../../tools/host.ts";

/** What the server answers on a path: a body, a status without one, or no end of the body. */
export type Answer =
  { readonly body: string | Buffer } | { readonly status: number } | { readonly stall: Buffer };

/** An HTTP server on loopback in the place of a project's release page. */
export class ReleaseServer {
  readonly #server: Server;
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];
  readonly url: string;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts on a free port. */
  static async start(answers: Readonly<Record<string, Answer>>): Promise<ReleaseServer> {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      started.requests.push(path);
      const answer = answers[path] ?? { status: 404 };
      if ("body" in answer) response.end(answer.body);
      else if ("status" in answer) response.writeHead(answer.status).end();
      else response.writeHead(200, { "content-length": "1000000" }).write(answer.stall);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const started = new ReleaseServer(server, address.port);
    return started;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** The SHA-256 of a file's content, in hexadecimal. */
export function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A release that is one program at `/widget`, with its sums at `/SHA256SUMS`. */
export function widgetRelease(url: string, platform: Platform): ReleaseWay {
  return {
    kind: "release",
    assets: {
      [platform]: {
        url: `${url}/widget`,
        checksum: { lists: [`${url}/SHA256SUMS`] },
        form: "binary",
        files: [{ from: "", to: "bin/widget", executable: true }],
      },
    },
  };
}
