import { existsSync } from "node:fs";
import {
  ApiException,
  KubeConfig,
  KubernetesObjectApi,
  type KubernetesObject,
} from "@kubernetes/client-node";
import { ContractError } from "../contract.ts";
import type { ClusterAccess } from "../cluster-access.ts";
import type { ObjectReader } from "../platform/preflight-objects.ts";

/** What an object is called. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** An object that is there, none of that name, or a kind that the cluster does not serve. */
export type Lookup =
  { readonly kind: "found"; readonly object: unknown } | { readonly kind: "none" | "unserved" };

/**
 * Reads a cluster while a program declares what it shall hold: only in a plain update, never in one by the driver. It
 * changes nothing.
 */
export class ClusterReader implements ObjectReader {
  readonly #api: KubernetesObjectApi;
  readonly #server: string;

  /** Throws ContractError when there is no usable kubeconfig. */
  constructor(access: ClusterAccess) {
    const config = loadConfig(access);
    const cluster = config.getCurrentCluster();
    if (cluster === null) {
      throw new ContractError(
        "no cluster is chosen: set KUBECONFIG, or `cluster.context` to a context of the kubeconfig",
      );
    }
    this.#server = cluster.server;
    this.#api = KubernetesObjectApi.makeApiClient(config);
  }

  async lookUp({ apiVersion, kind, namespace, name }: ObjectName): Promise<Lookup> {
    const header = {
      apiVersion,
      kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    };
    try {
      return { kind: "found", object: await this.#api.read<KubernetesObject>(header) };
    } catch (error) {
      if (isUnserved(error)) return { kind: "unserved" };
      if (error instanceof ApiException && error.code === 404) return { kind: "none" };
      throw this.#explained(
        error,
        `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`,
      );
    }
  }

  #explained(error: unknown, what: string): Error {
    if (error instanceof ApiException && error.code === 403) {
      return new ContractError(
        `not allowed to read ${what}: give whoever runs \`pulumi up\` the right \`get\` on it (docs/routers.md lists all rights)`,
      );
    }
    if (error instanceof ApiException) {
      return new ContractError(`cannot read ${what}: the API server answered ${error.code}`);
    }
    return new ContractError(
      `cannot read ${what}: the cluster at ${this.#server} cannot be reached (${rootMessage(error)}); ` +
        "see to the cluster, or correct `cluster`",
    );
  }
}

/** The client asks for the kinds of a group first, and says in words alone which of its two questions failed. */
function isUnserved(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/Unrecognized API version and kind/.test(error.message)) return true;
  const isGroupMissing = error instanceof ApiException && error.code === 404;
  return isGroupMissing && /Failed to fetch resource metadata/.test(error.message);
}

function loadConfig({ kubeconfig, context }: ClusterAccess): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else if (/\n|^\s*\{/.test(kubeconfig)) config.loadFromString(kubeconfig);
  else if (existsSync(kubeconfig)) config.loadFromFile(kubeconfig);
  else throw new ContractError(`cluster.kubeconfig = ${kubeconfig}: there is no such file`);
  if (context === undefined) return config;
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new ContractError(
      `cluster.context = ${context}: the kubeconfig has only ${known.join(", ") || "no contexts"}`,
    );
  }
  config.setCurrentContext(context);
  return config;
}

function rootMessage(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return rootMessage(error.errors[0]);
  if (error instanceof Error)
    return error.cause === undefined ? error.message : rootMessage(error.cause);
  return String(error);
}
