import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { LocalError } from "../../../infra/local/local-error.ts";
import { claimPort } from "../../../infra/local/ports.ts";
import { scratchDirectory } from "./scratch-directory.ts";

/** Takes a port on loopback; 0 is any. */
function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

describe("claiming a port", () => {
  const directory = scratchDirectory();
  const servers: Server[] = [];
  const claim = (name: string, wanted?: number): Promise<number> =>
    claimPort({ directory: directory.path, name, wanted, configKey: "upramp:service.port" });

  afterEach(async () => {
    const closing = servers.splice(0).map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
        }),
    );
    await Promise.all(closing);
  });

  it("takes the wanted port when it is free", async () => {
    const free = await listen(0);
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    assert.equal(await claim("envoy", port), port);
  });

  it("refuses a wanted port in use, naming the port and the key to change", async () => {
    const server = await listen(0);
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    await assert.rejects(
      claim("envoy", port),
      (error) =>
        error instanceof LocalError &&
        error.message.includes(`port ${port} for envoy is in use`) &&
        error.message.includes("set upramp:service.port to another port"),
    );
  });

  it("picks the same port again for the same name", async () => {
    assert.equal(await claim("blue-0"), await claim("blue-0"));
  });

  it("picks another when the last one is taken meanwhile", async () => {
    const first = await claim("blue-0");
    servers.push(await listen(first));
    assert.notEqual(await claim("blue-0"), first);
  });

  it("never gives one port to two names, also when both ask at once", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `blue-${index}`);
    const ports = await Promise.all(names.map((name) => claim(name)));
    assert.equal(new Set(ports).size, names.length);
  });
});
