import { connect } from "node:net";

/** Resolves when a TCP connection is accepted, at the latest after 1 s. @throws Error when it is not */
export function canConnect(host: string, port: number): Promise<true> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 1_000 });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("timeout", () =>
      socket.destroy(new Error(`${host}:${port} did not answer within 1 s`)),
    );
    socket.once("error", reject);
  });
}
