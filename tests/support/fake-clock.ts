import type { Clock } from "../../rollout/ports.ts";

interface Appointment {
  /** By the time that passed, which no setting of the clock changes. */
  readonly due: number;
  readonly happen: () => void;
}

/**
 * Virtual time. It passes only in `sleep` and `advance`, at once, and what was appointed happens on the way.
 * A sleep ends early, at the time of an appointment that aborts its signal.
 */
export class FakeClock implements Clock {
  #passed = 0;
  /** What the clock on the wall shows more than the time that passed. */
  #offset: number;
  #appointments: Appointment[] = [];
  #sleeps = 0;
  readonly #sleepsMax: number;

  /** `sleepsMax` bounds the sleeps of one test: more means that something never ends. */
  constructor(now = 1_000_000, sleepsMax = 100_000) {
    this.#offset = now;
    this.#sleepsMax = sleepsMax;
  }

  now(): number {
    return this.#passed + this.#offset;
  }

  /** Time since the beginning in ms, whatever the clock was set to meanwhile. */
  passed(): number {
    return this.#passed;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    this.#sleeps += 1;
    if (this.#sleeps > this.#sleepsMax) throw new Error(`more than ${this.#sleepsMax} sleeps`);
    // whoever called may still abort before anything else happens
    await Promise.resolve();
    this.advance(ms, signal);
  }

  /** Lets time pass. Appointments happen in the order of their time. */
  advance(ms: number, signal?: AbortSignal): void {
    const end = this.#passed + Math.max(0, ms);
    while (signal?.aborted !== true) {
      const next = this.#next(end);
      if (next === undefined) {
        this.#passed = Math.max(this.#passed, end);
        return;
      }
      this.#passed = Math.max(this.#passed, next.due);
      next.happen();
    }
  }

  /** Makes something happen after this much time. */
  after(ms: number, happen: () => void): void {
    const due = this.#passed + ms;
    const index = this.#appointments.findIndex((other) => other.due > due);
    this.#appointments.splice(index < 0 ? this.#appointments.length : index, 0, { due, happen });
  }

  /** Time until the next appointment in ms; null when there is none. */
  untilNext(): number | null {
    const first = this.#appointments[0];
    return first === undefined ? null : first.due - this.#passed;
  }

  /** Sets the clock, forward or back, as an administrator or NTP does. No time passes. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  #next(until: number): Appointment | undefined {
    const first = this.#appointments[0];
    return first === undefined || first.due > until ? undefined : this.#appointments.shift();
  }
}
