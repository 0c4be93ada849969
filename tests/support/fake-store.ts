import type { Command } from "../../rollout/core/decide.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import type { Clock, Lock, LockHolder, LockResult, StateStore } from "../../rollout/ports.ts";

interface Held {
  readonly holder: LockHolder;
  readonly lost: AbortController;
}

/** A new object for each command, so that two alike are not the same. */
interface LeftCommand {
  readonly command: Command;
}

/** The place that the stores of all processes share. What is kept is text, as on a disk. */
export class StorePlace {
  record: string | null = null;
  command: LeftCommand | null = null;
  held: Held | null = null;

  /** A person leaves a command; a second one takes the place of the first. */
  leave(command: Command): void {
    this.command = { command };
  }

  /** The holder is gone without a word, as after a kill, and its lock has run out. */
  expireLock(): void {
    this.held = null;
  }

  /** Another process takes over; the holder is told. */
  stealLock(who: string, since: number): void {
    this.held?.lost.abort(new Error("another driver has taken it"));
    this.held = { holder: { who, since }, lost: new AbortController() };
  }
}

/** Called around what lasts, so that a test can end the process there. */
export type StorePoint = "beforeSave" | "afterSave";

export class FakeStore implements StateStore {
  readonly #place: StorePlace;
  readonly #who: string;
  readonly #clock: Clock;
  readonly #at: (point: StorePoint, record: RolloutRecord) => void;
  #mine: Held | null = null;
  #commandRead: LeftCommand | null = null;

  constructor(
    place: StorePlace,
    who: string,
    clock: Clock,
    at: (point: StorePoint, record: RolloutRecord) => void = () => undefined,
  ) {
    this.#place = place;
    this.#who = who;
    this.#clock = clock;
    this.#at = at;
  }

  async load(): Promise<RolloutRecord | null> {
    await Promise.resolve();
    const { record } = this.#place;
    // written by `save` below, from a RolloutRecord
    return record === null ? null : (JSON.parse(record) as RolloutRecord);
  }

  async save(record: RolloutRecord): Promise<void> {
    await Promise.resolve();
    if (this.#mine?.lost.signal.aborted === true) {
      throw new Error("the lock was taken away while this process held it; nothing more is saved");
    }
    this.#at("beforeSave", record);
    this.#place.record = JSON.stringify(record);
    this.#at("afterSave", record);
  }

  async lock(): Promise<LockResult> {
    await Promise.resolve();
    const place = this.#place;
    if (place.held !== null) return { kind: "held", holder: place.held.holder };
    const lost = new AbortController();
    const mine: Held = { holder: { who: this.#who, since: this.#clock.now() }, lost };
    place.held = mine;
    this.#mine = mine;
    const lock: Lock = {
      lost: lost.signal,
      async release() {
        await Promise.resolve();
        // after a takeover the lock is somebody else's
        if (place.held === mine) place.held = null;
      },
    };
    return { kind: "locked", lock };
  }

  async holder(): Promise<LockHolder | null> {
    await Promise.resolve();
    return this.#place.held?.holder ?? null;
  }

  async sendCommand(command: Command): Promise<void> {
    await Promise.resolve();
    this.#place.leave(command);
  }

  async readCommand(): Promise<Command | null> {
    await Promise.resolve();
    this.#commandRead = this.#place.command;
    return this.#commandRead?.command ?? null;
  }

  async clearCommand(): Promise<void> {
    await Promise.resolve();
    // one that was left after the last read stays
    if (this.#place.command === this.#commandRead) this.#place.command = null;
  }
}
