import { parseAllDocuments } from "yaml";
import type {
  CheckRequest,
  CheckResponse,
  ConfigureRequest,
  ConfigureResponse,
  CreateRequest,
  CreateResponse,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  InvokeRequest,
  InvokeResponse,
  ProviderHandshakeRequest,
  ProviderHandshakeResponse,
  ReadRequest,
  ReadResponse,
  UpdateRequest,
  UpdateResponse,
} from "@pulumi/pulumi/proto/provider_pb.js";
import type { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { answering, checkFailure } from "./answering.ts";
import { EngineLog } from "./engine-log.ts";
import type { Change, ChangeKind } from "./object-diff.ts";
import type { Effort } from "./object-writer.ts";
import { KubernetesProvider } from "./operations.ts";
import { decode, encode, reveal, unknownValue } from "./property-values.ts";
import { checkConfig, diffConfig, parseConfig } from "./provider-config.ts";
import { Empty, type UnaryCall, wire } from "./pulumi-wire.ts";
import { autonamingOf, bytesOf, targetOf } from "./request-parts.ts";

/** Version of the official provider that this one stands in for. */
export const standInFor = "4.34.2";

/** An attached process serves many engines: each configures its provider on a connection of its own. */
const connectionsMax = 200;

interface Connection {
  log: EngineLog | undefined;
  provider: KubernetesProvider | undefined;
  cancel: AbortController;
}

/** The handlers of the engine's calls. */
export class ProviderService {
  readonly #connections = new Map<string, Connection>();
  readonly #engineAddress: string | undefined;
  readonly #settleMs: number;

  /** @param engineAddress of the engine that started this process; undefined when engines attach */
  constructor(engineAddress: string | undefined, settleMs: number) {
    this.#engineAddress = engineAddress;
    this.#settleMs = settleMs;
  }

  handlers(): Readonly<Record<string, unknown>> {
    return {
      attach: answering<PluginAttach, object>((call) => this.#attach(call)),
      cancel: answering((call) => this.#cancel(call)),
      check: answering<CheckRequest, CheckResponse>((call) => this.#check(call)),
      checkConfig: answering<CheckRequest, CheckResponse>((call) => this.#checkConfig(call)),
      configure: answering<ConfigureRequest, ConfigureResponse>((call) => this.#configure(call)),
      create: answering<CreateRequest, CreateResponse>((call) => this.#create(call)),
      delete: answering<DeleteRequest, object>((call) => this.#delete(call)),
      diff: answering<DiffRequest, DiffResponse>((call) => this.#diff(call)),
      diffConfig: answering<DiffRequest, DiffResponse>((call) => this.#diffConfig(call)),
      getPluginInfo: answering<object, PluginInfo>(() => this.#pluginInfo()),
      handshake: answering<ProviderHandshakeRequest, ProviderHandshakeResponse>(() =>
        this.#handshake(),
      ),
      invoke: answering<InvokeRequest, InvokeResponse>((call) => this.#invoke(call)),
      read: answering<ReadRequest, ReadResponse>((call) => this.#read(call)),
      update: answering<UpdateRequest, UpdateResponse>((call) => this.#update(call)),
    };
  }

  /** Ends every operation under way as cancelled. */
  cancelAll(): void {
    for (const { cancel } of this.#connections.values()) cancel.abort();
  }

  #connection(call: UnaryCall<unknown>): Connection {
    const peer = call.getPeer();
    const known = this.#connections.get(peer);
    if (known !== undefined) return known;
    const [oldest] = this.#connections;
    if (oldest !== undefined && this.#connections.size >= connectionsMax) {
      oldest[1].log?.close();
      this.#connections.delete(oldest[0]);
    }
    const log = this.#engineAddress === undefined ? undefined : new EngineLog(this.#engineAddress);
    const connection = { log, provider: undefined, cancel: new AbortController() };
    this.#connections.set(peer, connection);
    return connection;
  }

  #provider(call: UnaryCall<unknown>): KubernetesProvider {
    const { provider } = this.#connection(call);
    if (provider === undefined)
      throw new Error("the provider was not configured on this connection");
    return provider;
  }

  #effort(
    call: UnaryCall<{ getUrn(): string; getTimeout(): number; getPreview?(): boolean }>,
  ): Effort {
    const { log, cancel } = this.#connection(call);
    const { request } = call;
    return {
      preview: request.getPreview?.() ?? false,
      timeoutSeconds: request.getTimeout(),
      signal: cancel.signal,
      log: (severity, message, isStatus) =>
        log?.write(request.getUrn(), severity, message, isStatus),
    };
  }

  #attach(call: UnaryCall<PluginAttach>): object {
    const connection = this.#connection(call);
    connection.log?.close();
    connection.log = new EngineLog(call.request.getAddress());
    return new Empty();
  }

  #cancel(call: UnaryCall<unknown>): object {
    this.#connection(call).cancel.abort();
    return new Empty();
  }

  #pluginInfo(): PluginInfo {
    const info = new wire.plugin.PluginInfo();
    info.setVersion(standInFor);
    return info;
  }

  #handshake(): ProviderHandshakeResponse {
    const response = new wire.provider.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  #checkConfig(call: UnaryCall<CheckRequest>): CheckResponse {
    const response = new wire.provider.CheckResponse();
    const news = reveal(decode(call.request.getNews()));
    response.setInputs(call.request.getNews());
    for (const failure of checkConfig(news, (value) => value === unknownValue)) {
      response.addFailures(checkFailure(failure.property, failure.reason));
    }
    return response;
  }

  #diffConfig(call: UnaryCall<DiffRequest>): DiffResponse {
    const { request } = call;
    const { changed, replaces } = diffConfig(
      reveal(decode(request.getOldInputs() ?? request.getOlds())),
      reveal(decode(request.getNews())),
    );
    const response = new wire.provider.DiffResponse();
    const { DIFF_SOME, DIFF_NONE } = wire.provider.DiffResponse.DiffChanges;
    response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
    response.setDiffsList([...changed]);
    response.setReplacesList(replaces ? [...changed] : []);
    response.setDeletebeforereplace(replaces);
    return response;
  }

  #configure(call: UnaryCall<ConfigureRequest>): ConfigureResponse {
    const connection = this.#connection(call);
    const config = parseConfig(reveal(decode(call.request.getArgs())));
    connection.provider = new KubernetesProvider(config, this.#settleMs);
    connection.cancel = new AbortController();
    const response = new wire.provider.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setSupportspreview(true);
    response.setSupportsAutonamingConfiguration(true);
    return response;
  }

  async #check(call: UnaryCall<CheckRequest>): Promise<CheckResponse> {
    const { request } = call;
    const olds = request.getOlds();
    const { inputs, failures } = await this.#provider(call).check(
      targetOf(request),
      olds === undefined || Object.keys(decode(olds)).length === 0 ? undefined : decode(olds),
      decode(request.getNews()),
      autonamingOf(request),
      bytesOf(request.getRandomseed()),
    );
    const response = new wire.provider.CheckResponse();
    response.setInputs(encode(inputs));
    for (const failure of failures) response.addFailures(checkFailure("", failure));
    return response;
  }

  #diff(call: UnaryCall<DiffRequest>): DiffResponse {
    const { request } = call;
    const { changes, deleteBeforeReplace } = this.#provider(call).diff(
      targetOf(request),
      decode(request.getOlds()),
      decode(request.getNews()),
      request.getIgnorechangesList(),
    );
    const response = new wire.provider.DiffResponse();
    const { DIFF_SOME, DIFF_NONE } = wire.provider.DiffResponse.DiffChanges;
    response.setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE);
    response.setDeletebeforereplace(deleteBeforeReplace);
    response.setReplacesList(changes.filter(({ replaces }) => replaces).map(({ path }) => path));
    response.setHasdetaileddiff(true);
    for (const change of changes) {
      const difference = new wire.provider.PropertyDiff();
      difference.setKind(diffKind(change));
      difference.setInputdiff(true);
      response.getDetaileddiffMap().set(change.path, difference);
    }
    return response;
  }

  async #create(call: UnaryCall<CreateRequest>): Promise<CreateResponse> {
    const { request } = call;
    const inputs = decode(request.getProperties());
    const outcome = await this.#provider(call).create(
      targetOf(request),
      inputs,
      this.#effort(call),
    );
    const response = new wire.provider.CreateResponse();
    response.setId(outcome.id);
    response.setProperties(encode(outcome.properties));
    return response;
  }

  async #update(call: UnaryCall<UpdateRequest>): Promise<UpdateResponse> {
    const { request } = call;
    const outcome = await this.#provider(call).update(
      targetOf(request),
      decode(request.getOlds()),
      decode(request.getNews()),
      request.getIgnorechangesList(),
      this.#effort(call),
    );
    const response = new wire.provider.UpdateResponse();
    response.setProperties(encode(outcome.properties));
    return response;
  }

  async #read(call: UnaryCall<ReadRequest>): Promise<ReadResponse> {
    const { request } = call;
    const inputs = request.getInputs();
    const outcome = await this.#provider(call).read(
      targetOf(request),
      request.getId(),
      decode(request.getProperties()),
      inputs === undefined ? undefined : decode(inputs),
    );
    const response = new wire.provider.ReadResponse();
    response.setId(outcome.id);
    if (outcome.id === "") return response;
    response.setProperties(encode(outcome.properties));
    response.setInputs(encode(outcome.inputs));
    return response;
  }

  async #delete(call: UnaryCall<DeleteRequest>): Promise<object> {
    const { request } = call;
    const state = decode(request.getProperties());
    await this.#provider(call).delete(
      targetOf(request),
      request.getId(),
      state,
      this.#effort(call),
    );
    return new Empty();
  }

  #invoke(call: UnaryCall<InvokeRequest>): InvokeResponse {
    const { request } = call;
    const token = request.getTok();
    if (token !== "kubernetes:yaml:decode") {
      throw new Error(
        `${token} is not served by this stand-in; install the official kubernetes provider`,
      );
    }
    const { text } = reveal(decode(request.getArgs()));
    const documents = parseAllDocuments(typeof text === "string" ? text : "");
    const result = documents.map((document) => document.toJS() as unknown).filter(Boolean);
    const response = new wire.provider.InvokeResponse();
    response.setReturn(encode({ result }));
    return response;
  }
}

function diffKind({ kind, replaces }: Change) {
  const { Kind } = wire.provider.PropertyDiff;
  const kinds = {
    add: [Kind.ADD, Kind.ADD_REPLACE],
    delete: [Kind.DELETE, Kind.DELETE_REPLACE],
    update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
  } as const satisfies Record<ChangeKind, unknown>;
  return kinds[kind][replaces ? 1 : 0];
}
