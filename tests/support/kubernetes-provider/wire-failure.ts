import { PartialFailure } from "./outcome.ts";
import { encode } from "./property-values.ts";
import { Any, type WireError, grpc, wire } from "./pulumi-wire.ts";

/** gRPC's code for an error that says nothing about itself: what the official provider sends. */
const unknownCode = 2;

/** A failure after which nothing of the resource exists, or nothing about it changed. */
export function plainFailure(error: unknown): WireError {
  const message = error instanceof Error ? error.message : String(error);
  return { code: unknownCode, message, details: message };
}

/**
 * A failure after which the object exists: the engine keeps it in the state, with the reasons, and
 * tries again at the next update. Undefined for any other error.
 */
export function partialFailure(error: unknown): WireError | undefined {
  if (!(error instanceof PartialFailure)) return undefined;
  const { id, properties, inputs } = error.outcome;
  const detail = new wire.provider.ErrorResourceInitFailed();
  detail.setId(id);
  detail.setProperties(encode(properties));
  detail.setInputs(encode(inputs));
  detail.setReasonsList([...error.reasons]);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new wire.status.Status();
  status.setCode(unknownCode);
  status.setMessage(error.message);
  // The SDK declares Any with the types of its own copy, which is where `Any` comes from.
  status.addDetails(packed as Parameters<typeof status.addDetails>[0]);
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { ...plainFailure(error), metadata };
}
