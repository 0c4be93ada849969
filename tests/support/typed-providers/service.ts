import type {
  CheckRequest,
  CheckResponse,
  ConfigureRequest,
  ConfigureResponse,
  ConstructRequest,
  ConstructResponse,
  CreateRequest,
  CreateResponse,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  InvokeRequest,
  InvokeResponse,
  ProviderHandshakeResponse,
  ReadRequest,
  ReadResponse,
  UpdateRequest,
  UpdateResponse,
} from "@pulumi/pulumi/proto/provider_pb.js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { answering, checkFailure } from "../kubernetes-provider/answering.ts";
import { decodeMarked, encode, reveal } from "../kubernetes-provider/property-values.ts";
import { Empty, type UnaryCall, wire } from "../kubernetes-provider/pulumi-wire.ts";
import { autonamingOf, bytesOf, targetOf } from "../kubernetes-provider/request-parts.ts";
import { construct } from "./eks-components.ts";
import { packageVersion, type PackageName } from "./token-types.ts";
import { checkConfig, parseConfig, TypedProvider } from "./typed-provider.ts";

/** Engines that one process serves, each with providers on connections of their own. */
const connectionsMax = 400;

/** The handlers of the engine's calls for one package. */
export class TypedProviderService {
  readonly #package: PackageName;
  readonly #providers = new Map<string, TypedProvider>();

  constructor(name: PackageName) {
    this.#package = name;
  }

  handlers(): Readonly<Record<string, unknown>> {
    return {
      attach: answering<unknown, object>(() => new Empty()),
      cancel: answering<unknown, object>(() => new Empty()),
      check: answering<CheckRequest, CheckResponse>((call) => this.#check(call)),
      checkConfig: answering<CheckRequest, CheckResponse>((call) => this.#checkConfig(call)),
      configure: answering<ConfigureRequest, ConfigureResponse>((call) => this.#configure(call)),
      construct: answering<ConstructRequest, ConstructResponse>((call) => construct(call.request)),
      create: answering<CreateRequest, CreateResponse>((call) => this.#create(call)),
      delete: answering<DeleteRequest, object>(() => new Empty()),
      diff: answering<DiffRequest, DiffResponse>((call) => this.#diff(call)),
      diffConfig: answering<DiffRequest, DiffResponse>((call) => this.#diffConfig(call)),
      getPluginInfo: answering<unknown, PluginInfo>(() => this.#pluginInfo()),
      handshake: answering<unknown, ProviderHandshakeResponse>(() => handshake()),
      invoke: answering<InvokeRequest, InvokeResponse>((call) => this.#invoke(call)),
      read: answering<ReadRequest, ReadResponse>((call) => this.#read(call)),
      update: answering<UpdateRequest, UpdateResponse>((call) => this.#update(call)),
    };
  }

  #provider(call: UnaryCall<unknown>): TypedProvider {
    const provider = this.#providers.get(call.getPeer());
    if (provider === undefined)
      throw new Error("the provider was not configured on this connection");
    return provider;
  }

  #pluginInfo(): PluginInfo {
    const info = new wire.plugin.PluginInfo();
    info.setVersion(packageVersion(this.#package));
    return info;
  }

  #checkConfig({ request }: UnaryCall<CheckRequest>): CheckResponse {
    const response = new wire.provider.CheckResponse();
    response.setInputs(request.getNews());
    for (const { property, reason } of checkConfig(
      this.#package,
      decodeMarked(request.getNews()),
    )) {
      response.addFailures(checkFailure(property, reason));
    }
    return response;
  }

  #diffConfig({ request }: UnaryCall<DiffRequest>): DiffResponse {
    const before = reveal(decodeMarked(request.getOldInputs() ?? request.getOlds()));
    const after = reveal(decodeMarked(request.getNews()));
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    const changed = [...keys].filter((key) => key !== "version" && before[key] !== after[key]);
    return diffResponse(changed, []);
  }

  #configure(call: UnaryCall<ConfigureRequest>): ConfigureResponse {
    const [oldest] = this.#providers.keys();
    if (oldest !== undefined && this.#providers.size >= connectionsMax) {
      this.#providers.delete(oldest);
    }
    const config = parseConfig(this.#package, decodeMarked(call.request.getArgs()));
    this.#providers.set(call.getPeer(), new TypedProvider(this.#package, config));
    const response = new wire.provider.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setAcceptresources(true);
    response.setSupportspreview(true);
    return response;
  }

  #check(call: UnaryCall<CheckRequest>): CheckResponse {
    const { request } = call;
    const olds = decodeMarked(request.getOlds());
    const { inputs, failures } = this.#provider(call).check(
      targetOf(request),
      Object.keys(olds).length === 0 ? undefined : olds,
      decodeMarked(request.getNews()),
      autonamingOf(request),
      bytesOf(request.getRandomseed()),
    );
    const response = new wire.provider.CheckResponse();
    response.setInputs(encode(inputs));
    for (const { property, reason } of failures) {
      response.addFailures(checkFailure(property, reason));
    }
    return response;
  }

  #diff(call: UnaryCall<DiffRequest>): DiffResponse {
    const { request } = call;
    const { changed, replaces } = this.#provider(call).diff(
      targetOf(request),
      decodeMarked(request.getOldInputs()),
      decodeMarked(request.getNews()),
    );
    return diffResponse(changed, replaces);
  }

  #create(call: UnaryCall<CreateRequest>): CreateResponse {
    const { request } = call;
    const inputs = decodeMarked(request.getProperties());
    const { id, outputs } = this.#provider(call).make(
      targetOf(request),
      inputs,
      request.getPreview(),
    );
    const response = new wire.provider.CreateResponse();
    response.setId(id);
    response.setProperties(encode(outputs));
    return response;
  }

  #update(call: UnaryCall<UpdateRequest>): UpdateResponse {
    const { request } = call;
    const old = { id: request.getId(), outputs: decodeMarked(request.getOlds()) };
    const inputs = decodeMarked(request.getNews());
    const { outputs } = this.#provider(call).make(
      targetOf(request),
      inputs,
      request.getPreview(),
      old,
    );
    const response = new wire.provider.UpdateResponse();
    response.setProperties(encode(outputs));
    return response;
  }

  #read(call: UnaryCall<ReadRequest>): ReadResponse {
    const { request } = call;
    const id = request.getId();
    const known = decodeMarked(request.getProperties());
    const response = new wire.provider.ReadResponse();
    response.setId(id);
    response.setInputs(request.getInputs() ?? encode({}));
    const isKnown = Object.keys(known).length > 0;
    const { outputs } = isKnown
      ? { outputs: known }
      : this.#provider(call).make(targetOf(request), this.#named(id), false, { id, outputs: {} });
    response.setProperties(encode(outputs));
    return response;
  }

  /** What the id of an object of Kubernetes says of it. */
  #named(id: string): Readonly<Record<string, unknown>> {
    const [name, namespace] = id.split("/").toReversed();
    if (this.#package !== "kubernetes" || name === undefined) return {};
    return { metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
  }

  #invoke(call: UnaryCall<InvokeRequest>): InvokeResponse {
    const { request } = call;
    const args = reveal(decodeMarked(request.getArgs()));
    const response = new wire.provider.InvokeResponse();
    response.setReturn(encode(this.#provider(call).call(request.getTok(), args)));
    return response;
  }
}

function handshake(): ProviderHandshakeResponse {
  const response = new wire.provider.ProviderHandshakeResponse();
  response.setAcceptSecrets(true);
  response.setAcceptResources(true);
  return response;
}

function diffResponse(changed: readonly string[], replaces: readonly string[]): DiffResponse {
  const response = new wire.provider.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = wire.provider.DiffResponse.DiffChanges;
  response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList([...changed]);
  response.setReplacesList([...replaces]);
  return response;
}
