import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { startKubernetesProvider } from "./start.ts";

describe("the stand-in's process", () => {
  it("listens for engines until it is stopped", async function () {
    this.timeout(40_000);
    const provider = await startKubernetesProvider({ prefer: "stand-in" });
    const { port } = provider;
    assert.deepEqual(provider.env, { PULUMI_DEBUG_PROVIDERS: `kubernetes:${port}` });
    const socket = connect(port ?? 0, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    await provider.stop();
    const [refused] = (await once(connect(port ?? 0, "127.0.0.1"), "error")) as [
      NodeJS.ErrnoException,
    ];
    assert.equal(refused.code, "ECONNREFUSED");
  });
});
