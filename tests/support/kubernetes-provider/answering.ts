import { type Handler, type UnaryCall, wire } from "./pulumi-wire.ts";
import { partialFailure, plainFailure } from "./wire-failure.ts";

/** Answers a call of the engine with what a function returns, or with its error. */
export function answering<Request, Response>(
  handle: (call: UnaryCall<Request>) => Promise<Response> | Response,
): Handler<Request, Response> {
  return (call, answer) => {
    // `async` turns what a handler throws at once into a rejection.
    (async () => await handle(call))().then(
      (response) => answer(null, response),
      (error: unknown) => answer(partialFailure(error) ?? plainFailure(error)),
    );
  };
}

/** One thing that is wrong with inputs, in the engine's protocol. */
export function checkFailure(
  property: string,
  reason: string,
): InstanceType<typeof wire.provider.CheckFailure> {
  const failure = new wire.provider.CheckFailure();
  failure.setProperty(property);
  failure.setReason(reason);
  return failure;
}
