// The stand-ins' process: serves each package that it is told, and says on one line which port has which.
import { grpc, wire } from "../kubernetes-provider/pulumi-wire.ts";
import { TypedProviderService } from "./service.ts";
import { packageNames, type PackageName } from "./token-types.ts";

function serve(name: PackageName): Promise<number> {
  const server = new grpc.Server({});
  server.addService(
    wire.providerService.ResourceProviderService,
    new TypedProviderService(name).handlers(),
  );
  return new Promise((done, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) done(port);
      else failed(error);
    });
  });
}

const wanted = packageNames.filter((name) => process.argv.includes(name));
const ports = await Promise.all(wanted.map(async (name) => `${name}:${await serve(name)}`));
process.stdout.write(`${ports.join(",")}\n`);

// Whoever started this process holds the other end; when it dies, so does this.
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
