// The provider process. Engines attach to it, or start it as `pulumi-resource-kubernetes` from PATH.
import { parseArgs } from "node:util";
import { ProviderService } from "./provider-service.ts";
import { grpc, wire } from "./pulumi-wire.ts";

/** What provider v4 waits after the last change of a Service's Endpoints, in ms. */
const officialSettleMs = 10_000;

/** A Secret or ConfigMap is at most 1 MiB, a state has the object twice; the default is 4 MiB. */
const messageBytesMax = 400 * 1024 * 1024;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    // Flags that engines pass to providers.
    logtostderr: { type: "boolean" },
    tracing: { type: "string" },
    v: { type: "string", short: "v" },
  },
});
void values;

const settleMs = Number(process.env["KUBERNETES_PROVIDER_SETTLE_MS"] ?? officialSettleMs);
const service = new ProviderService(positionals[0], settleMs);
const server = new grpc.Server({
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
});
server.addService(wire.providerService.ResourceProviderService, service.handlers());
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  // The first line is the port: that is how engines find a provider.
  process.stdout.write(`${port}\n`);
});

if (process.env["KUBERNETES_PROVIDER_STDIN"] === "1") {
  // Whoever started this process holds the other end; when it dies, so does this.
  process.stdin.resume();
  process.stdin.once("end", () => process.exit(0));
}
