/**
 * A gRPC server for the cluster's tests: `/upramp.test.Echo/Version` answers the bytes of VERSION. It speaks gRPC's wire
 * format over Node's own HTTP/2, so that the file alone is the service.
 *
 * | Variable   | Meaning                                                        | Default |
 * | ---------- | -------------------------------------------------------------- | ------- |
 * | VERSION    | what it answers                                                | `0.0.0` |
 * | PORT       | port                                                           | 9899    |
 * | POD_IP     | address to listen at                                           | all     |
 * | ERROR_RATE | percent of calls answered with status UNAVAILABLE, evenly spread | 0       |
 *
 * HTTP says 200 whatever the status is.
 */
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";

const {
  VERSION: version = "0.0.0",
  PORT: port = "9899",
  ERROR_RATE: errorRatePercent = "0",
  POD_IP: address = "::",
} = process.env;

const status = { ok: 0, unimplemented: 12, unavailable: 14 } as const;

const sessions = new Set<ServerHttp2Session>();
let errorDebt = 0;

const server = createServer();
server.on("session", (session) => {
  sessions.add(session);
  session.once("close", () => sessions.delete(session));
});
server.on("stream", (stream, headers) => {
  // who goes away in the middle of a call is no reason to end
  stream.on("error", () => undefined);
  stream.resume();
  stream.once("end", () => answer(stream, headers[":path"] ?? ""));
});

function answer(stream: ServerHttp2Stream, path: string): void {
  if (stream.destroyed) return;
  const outcome = outcomeOf(path);
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(outcome) }));
  stream.end(outcome === status.ok ? message(Buffer.from(version)) : undefined);
}

function outcomeOf(path: string): number {
  if (path !== "/upramp.test.Echo/Version") return status.unimplemented;
  errorDebt += Number(errorRatePercent);
  if (errorDebt < 100) return status.ok;
  errorDebt -= 100;
  return status.unavailable;
}

/** One message, not compressed, behind its length. */
function message(body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

/** Takes no new connection, tells who is connected to go elsewhere, finishes what is under way, and ends. */
function stop(): void {
  server.close(() => process.exit(0));
  for (const session of sessions) session.close();
}

process.once("SIGTERM", stop);
process.once("SIGINT", stop);
server.listen(Number(port), address, () => {
  console.log(`grpc-echo ${version} listens at ${address}:${port}`);
});
