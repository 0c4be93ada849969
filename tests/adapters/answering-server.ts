import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { text } from "node:stream/consumers";

/** A request as it came. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface CannedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never finishes the answer. */
  readonly hangs?: boolean;
}

/** An HTTP server on loopback that answers as it is told and remembers what it was asked. */
export class AnsweringServer {
  readonly asked: Asked[] = [];
  answer: (asked: Asked) => CannedAnswer = () => ({});
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = "", url = "", headers } = request;
        const asked = { method, url, headers, body };
        this.asked.push(asked);
        const { status = 200, headers: own = {}, body: answer = "", hangs } = this.answer(asked);
        response.writeHead(status, own);
        if (hangs === true) response.write(answer === "" ? " " : answer);
        else response.end(answer);
      });
    });
  }

  static async start(): Promise<AnsweringServer> {
    const server = new AnsweringServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
