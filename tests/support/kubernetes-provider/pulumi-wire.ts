import { createRequire } from "node:module";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerService from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import statusMessage from "@pulumi/pulumi/proto/status_pb.js";
import type { CreateRequest } from "@pulumi/pulumi/proto/provider_pb.js";

/** The messages and services of the engine's protocol, as the SDK ships them. */
export const wire = {
  engine,
  engineService,
  plugin,
  provider,
  providerService,
  status: statusMessage,
};

/** `google.protobuf.Struct`, in which every property bag travels. */
export type Struct = NonNullable<ReturnType<CreateRequest["getProperties"]>>;

/** Trailing metadata of an answer. */
export interface Metadata {
  set(key: string, value: string | Buffer): void;
}

/** What a handler needs of a call. */
export interface UnaryCall<Request> {
  readonly request: Request;
  /** Address and port of the caller: one connection for each provider that an engine configures. */
  getPeer(): string;
}

/** An error that keeps its code and its details on the way to the engine. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly details?: string;
  readonly metadata?: Metadata;
}

/** Answers one call. */
export type Handler<Request, Response> = (
  call: UnaryCall<Request>,
  answer: (error: WireError | null, response?: Response) => void,
) => void;

interface Server {
  addService(service: unknown, handlers: Readonly<Record<string, unknown>>): void;
  bindAsync(
    address: string,
    credentials: unknown,
    bound: (error: Error | null, port: number) => void,
  ): void;
  forceShutdown(): void;
}

interface Grpc {
  readonly Server: new (options: Readonly<Record<string, number>>) => Server;
  readonly Metadata: new () => Metadata;
  readonly ServerCredentials: { createInsecure(): unknown };
  readonly credentials: { createInsecure(): never };
}

// gRPC and protobuf are the SDK's own copies: its generated classes work with no other.
const fromSdk = createRequire(import.meta.resolve("@pulumi/pulumi"));

// `require` has no types; the interfaces above name the part of @grpc/grpc-js that is used.
export const grpc = fromSdk("@grpc/grpc-js") as Grpc;

// As above: the constructor side of the types that the SDK's declarations use.
export const { Struct } = fromSdk("google-protobuf/google/protobuf/struct_pb.js") as {
  readonly Struct: { fromJavaScript(value: Readonly<Record<string, unknown>>): Struct };
};

export const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb.js") as {
  readonly Empty: new () => object;
};

export const { Any } = fromSdk("google-protobuf/google/protobuf/any_pb.js") as {
  readonly Any: new () => { pack(message: Uint8Array, type: string): void };
};
