import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { z } from "zod";
import { UserError } from "../errors.ts";
import type { Lock, LockHolder, LockResult } from "../ports.ts";
import { KubernetesApiError, type KubernetesApi } from "./kubernetes-api.ts";

/** A holder that has not renewed for so long has lost the lock. A step that is under way takes about a second. */
const leaseMs = 15_000;
/** Often enough that a few may fail, and that a lock taken away by force is noticed soon. */
const renewMs = 2_000;
/** Without a renewal for so long the holder stops: before another may take over, whatever the network delays. */
const giveUpMs = 10_000;

const leaseSchema = z.object({
  metadata: z.object({
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      acquireTime: z.string().nullish(),
      renewTime: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .default({}),
});
type Lease = z.infer<typeof leaseSchema>;

/** Where a Lease is. */
export interface LeasePlace {
  readonly namespace: string;
  readonly name: string;
}

/**
 * A lock as a `coordination.k8s.io/v1` Lease. Times in it are by the API server's clock, so drivers whose clocks differ
 * agree on what has run out. Every write names the version it was made from: of two who try, one wins.
 */
export class KubernetesLease implements Lock {
  readonly #api: KubernetesApi;
  readonly #place: LeasePlace;
  readonly #identity: string;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #held: Lease;
  #renewedAt = performance.now();
  #renewing: Promise<void> | null = null;

  private constructor(api: KubernetesApi, place: LeasePlace, identity: string, held: Lease) {
    this.#api = api;
    this.#place = place;
    this.#identity = identity;
    this.#held = held;
    this.#timer = setInterval(() => void this.check(), renewMs).unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Takes the lock, or says who has it. */
  static async take(
    api: KubernetesApi,
    place: LeasePlace,
  ): Promise<LockResult & ({ readonly lock: KubernetesLease } | { readonly kind: "held" })> {
    const identity = `${userName()} on ${hostname()}, process ${process.pid} (${randomUUID()})`;
    for (;;) {
      const found = await read(api, place);
      const holder = found === null ? null : holderOf(found, api.serverNow());
      if (holder !== null) return { kind: "held", holder };
      const written = await write(api, place, found, taken(identity, found, api.serverNow()));
      // somebody else was faster: look again who
      if (written === null) continue;
      return { kind: "locked", lock: new KubernetesLease(api, place, identity, written) };
    }
  }

  /** Who holds the Lease now; null when nobody does, or its time has run out. */
  static async holder(api: KubernetesApi, place: LeasePlace): Promise<LockHolder | null> {
    const found = await read(api, place);
    return found === null ? null : holderOf(found, api.serverNow());
  }

  /** Renews the lock; aborts `lost` when it is another's, or could not be renewed in time. True while it is held. */
  async check(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
    await this.#renewing;
    return !this.#lost.signal.aborted;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#lost.signal.aborted) return;
    // refused when it is not ours any more, and then there is nothing to release
    await write(this.#api, this.#place, this.#held, { ...this.#held.spec, holderIdentity: "" });
  }

  async #renew(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    const startedAt = performance.now();
    try {
      const renewTime = microTime(this.#api.serverNow());
      const spec = { ...this.#held.spec, renewTime };
      const written = await write(this.#api, this.#place, this.#held, spec);
      if (written !== null) {
        this.#held = written;
        this.#renewedAt = startedAt;
        return;
      }
      const found = await read(this.#api, this.#place);
      if (found?.spec.holderIdentity !== this.#identity) return this.#lose();
      // touched by somebody, and still ours
      this.#held = found;
    } catch {
      // a server that is away for a moment gives the lock to nobody; the bound below deals with it
    }
    if (performance.now() - this.#renewedAt > giveUpMs) this.#lose();
  }

  #lose(): void {
    clearInterval(this.#timer);
    this.#lost.abort();
  }
}

function taken(identity: string, before: Lease | null, now: number): Lease["spec"] {
  return {
    holderIdentity: identity,
    leaseDurationSeconds: leaseMs / 1_000,
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (before?.spec.leaseTransitions ?? -1) + 1,
  };
}

async function read(api: KubernetesApi, place: LeasePlace): Promise<Lease | null> {
  const found = await api.get(pathOf(place));
  if (found === null) return null;
  const parsed = leaseSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new UserError(
    `Lease ${place.namespace}/${place.name} is not one that upramp wrote: ` +
      `remove it with \`kubectl delete lease -n ${place.namespace} ${place.name}\``,
  );
}

/** Creates the Lease or replaces exactly the version that was read; null when somebody else was faster. */
async function write(
  api: KubernetesApi,
  place: LeasePlace,
  before: Lease | null,
  spec: Lease["spec"],
): Promise<Lease | null> {
  const object = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      ...place,
      labels: { "app.kubernetes.io/managed-by": "upramp" },
      ...(before === null ? {} : { resourceVersion: before.metadata.resourceVersion }),
    },
    spec,
  };
  try {
    const answer =
      before === null
        ? await api.request("POST", collectionOf(place), object)
        : await api.request("PUT", pathOf(place), object);
    return leaseSchema.parse(answer);
  } catch (error) {
    if (!(error instanceof KubernetesApiError)) throw error;
    // 404 at a replacement: deleted meanwhile; at a creation: there is no such namespace
    if (error.code === 409 || (error.code === 404 && before !== null)) return null;
    throw new UserError(`cannot write Lease ${place.namespace}/${place.name}: ${error.message}`, {
      cause: error,
    });
  }
}

function collectionOf({ namespace }: LeasePlace): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}

function pathOf(place: LeasePlace): string {
  return `${collectionOf(place)}/${place.name}`;
}

function holderOf({ spec }: Lease, now: number): LockHolder | null {
  const { holderIdentity: who, renewTime, acquireTime, leaseDurationSeconds } = spec;
  if (who === undefined || who === null || who === "") return null;
  const renewedAt = Date.parse(renewTime ?? "");
  const endsAt = renewedAt + (leaseDurationSeconds ?? leaseMs / 1_000) * 1_000;
  // a Lease that says no time is taken as held: only a person can know
  if (endsAt <= now) return null;
  // the token is for machines
  return { who: who.replace(/ \([0-9a-f-]{36}\)$/, ""), since: Date.parse(acquireTime ?? "") || 0 };
}

/** As Kubernetes writes it: microseconds. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace(/Z$/, "000Z");
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // a container may run under an id that has no name
    return `user ${process.getuid?.() ?? "?"}`;
  }
}
