import type { CheckRequest } from "@pulumi/pulumi/proto/provider_pb.js";
import type { Autonaming } from "./autoname.ts";
import type { Target } from "./operations.ts";
import { wire } from "./pulumi-wire.ts";

/** Which resource a request is about. */
export function targetOf(request: {
  getUrn(): string;
  getType(): string;
  getName(): string;
}): Target {
  return { urn: request.getUrn(), type: request.getType(), name: request.getName() };
}

/** What the engine says about the name of a new resource. */
export function autonamingOf(request: CheckRequest): Autonaming | undefined {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const { DISABLE, ENFORCE } = wire.provider.CheckRequest.AutonamingOptions.Mode;
  if (options.getMode() === DISABLE) return { mode: "disable" };
  const name = options.getProposedName();
  return { mode: options.getMode() === ENFORCE ? "enforce" : "propose", name };
}

/** Bytes, which the wire may hold in base64. */
export function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === "string" ? Buffer.from(value, "base64") : value;
}
