import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { z } from "zod";
import { OperationError, UserError } from "../errors.ts";
import type { Lock, LockHolder, LockResult } from "../ports.ts";
import { hint, KubernetesApiError, type KubernetesApi } from "./kubernetes-api.ts";

/** A holder that has not renewed for so long has lost the lock. A step that is under way takes about a second. */
const leaseMs = 15_000;
/** Often enough that a few may fail, and that a lock taken away by force is noticed soon. */
const renewMs = 2_000;
/** Without a renewal for so long the holder stops: before another may take over, whatever the network delays. */
const giveUpMs = 10_000;
/** A lock that cannot be given back runs out by itself: not worth a longer wait at the end of a drive. */
const releaseBoundMs = 3_000;
/** Times that others may be faster, which takes as many writers at once. */
const attemptsMax = 100;

const leaseSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
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
  /** Ends the lock when it has not been renewed in time, even while a renewal waits for its answer. */
  #deadline: NodeJS.Timeout;
  #renewing: Promise<void> | null = null;
  /** Why the last renewal that was answered failed; empty when none did. */
  #trouble = "";

  private constructor(
    api: KubernetesApi,
    place: LeasePlace,
    identity: string,
    held: Lease,
    startedAt: number,
  ) {
    this.#api = api;
    this.#place = place;
    this.#identity = identity;
    this.#held = held;
    this.#timer = setInterval(() => void this.check(), renewMs).unref();
    this.#deadline = this.#loseAfter(startedAt);
  }

  /** Aborted with the reason, a UserError or an OperationError, as soon as the lock may be another's. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Takes the lock, or says who has it. */
  static async take(
    api: KubernetesApi,
    place: LeasePlace,
  ): Promise<LockResult & ({ readonly lock: KubernetesLease } | { readonly kind: "held" })> {
    const identity = `${userName()} on ${hostname()}, process ${process.pid} (${randomUUID()})`;
    let startedAt = performance.now();
    for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
      const found = await read(api, place);
      const holder = found === null ? null : holderOf(found, api.serverNow());
      const isOurs = found?.spec.holderIdentity === identity;
      if (holder !== null && !isOurs) return { kind: "held", holder };
      if (!isOurs) startedAt = performance.now();
      // ours already when the answer to the write before was lost
      const written = isOurs
        ? found
        : await write(api, place, found, taken(identity, found, api.serverNow()));
      // to make one is not yet to renew it: who may not do that is told before anything moves
      const held =
        found === null && written !== null
          ? await write(api, place, written, written.spec)
          : written;
      // somebody else was faster: look again who
      if (held === null) continue;
      const lock = new KubernetesLease(api, place, identity, held, startedAt);
      return { kind: "locked", lock };
    }
    throw new UserError(
      `${nameOf(place)} was changed by others ${attemptsMax} times in a row: see what writes to it, then run again`,
    );
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

  /** Never rejects: a lock that cannot be given back now runs out by itself. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    // ends no later than the deadline
    await this.#renewing;
    clearTimeout(this.#deadline);
    if (this.#lost.signal.aborted) return;
    const spec = { ...this.#held.spec, holderIdentity: "" };
    const bound = AbortSignal.timeout(releaseBoundMs);
    // refused when it is not ours any more, and then there is nothing to release
    await write(this.#api, this.#place, this.#held, spec, bound).catch(() => null);
  }

  async #renew(): Promise<void> {
    if (this.#lost.signal.aborted) return;
    const startedAt = performance.now();
    const { signal } = this.#lost;
    try {
      const renewTime = microTime(this.#api.serverNow());
      const spec = { ...this.#held.spec, renewTime };
      const written = await write(this.#api, this.#place, this.#held, spec, signal);
      if (written !== null) {
        this.#held = written;
        clearTimeout(this.#deadline);
        this.#deadline = this.#loseAfter(startedAt);
        return;
      }
      const found = await read(this.#api, this.#place, signal);
      if (found?.spec.holderIdentity !== this.#identity)
        return this.#lose(takenAway(this.#place, found));
      // touched by somebody, or written by us with the answer lost, and still ours
      this.#held = found;
    } catch (error) {
      // a server that is away for a moment gives the lock to nobody; the deadline deals with it
      this.#trouble = error instanceof Error ? error.message : String(error);
    }
  }

  #loseAfter(startedAt: number): NodeJS.Timeout {
    const leftMs = Math.max(0, startedAt + giveUpMs - performance.now());
    return setTimeout(() => {
      const why = `${nameOf(this.#place)} could not be renewed for ${giveUpMs / 1_000} s, so another may take it`;
      this.#lose(
        new OperationError(`${why}: ${this.#trouble || `no answer of ${this.#api.host}`}`),
      );
    }, leftMs).unref();
  }

  #lose(why: Error): void {
    clearInterval(this.#timer);
    clearTimeout(this.#deadline);
    this.#lost.abort(why);
  }
}

function takenAway(place: LeasePlace, found: Lease | null): UserError {
  const who = found?.spec.holderIdentity ?? "";
  const what =
    found === null
      ? "was deleted"
      : who === ""
        ? "was given back by somebody else"
        : `was taken by ${shown(who)}`;
  return new UserError(`${nameOf(place)} ${what} while this process drove`);
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

async function read(
  api: KubernetesApi,
  place: LeasePlace,
  signal?: AbortSignal,
): Promise<Lease | null> {
  const found = await api.get(pathOf(place), signal);
  if (found === null) return null;
  const parsed = leaseSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new UserError(
    `${nameOf(place)} is not one that upramp wrote: ` +
      `remove it with \`kubectl delete lease -n ${place.namespace} ${place.name}\``,
  );
}

/** Creates the Lease or replaces exactly the version that was read; null when somebody else was faster. */
async function write(
  api: KubernetesApi,
  place: LeasePlace,
  before: Lease | null,
  spec: Lease["spec"],
  signal?: AbortSignal,
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
        ? await api.request("POST", collectionOf(place), object, signal)
        : await api.request("PUT", pathOf(place), object, signal);
    return leaseSchema.parse(answer);
  } catch (error) {
    if (!(error instanceof KubernetesApiError)) throw error;
    // 404 at a replacement: deleted meanwhile; at a creation: there is no such namespace
    if (error.code === 409 || (error.code === 404 && before !== null)) return null;
    throw new UserError(`cannot write ${nameOf(place)}: ${error.message}${hint(error)}`);
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
  return { who: shown(who), since: Date.parse(acquireTime ?? "") || 0 };
}

/** The token in it is for machines. */
function shown(identity: string): string {
  return identity.replace(/ \([0-9a-f-]{36}\)$/, "");
}

function nameOf({ namespace, name }: LeasePlace): string {
  return `Lease ${namespace}/${name}`;
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
