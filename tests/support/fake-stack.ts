import type { Assignment } from "../../rollout/core/assignment.ts";
import type { ActFailure } from "../../rollout/core/decide.ts";
import type { Action, FailedRevision } from "../../rollout/core/state.ts";
import type { ApplyResult, StackDriver, StackView } from "../../rollout/ports.ts";
import type { World } from "./world.ts";

/** The service stack of the world. */
export class FakeStack implements StackDriver {
  /** Every action that was tried, in order. */
  readonly tried: Action[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async read(signal: AbortSignal): Promise<StackView | null> {
    await Promise.resolve();
    this.#world.linger();
    signal.throwIfAborted();
    return this.#world.view();
  }

  async preview(assignment: Assignment, signal: AbortSignal): Promise<ActFailure | null> {
    await Promise.resolve();
    return signal.aborted ? aborted : this.#world.preview(assignment);
  }

  async apply(
    action: Action,
    failed: FailedRevision | null,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    await Promise.resolve();
    if (signal.aborted) return { kind: "failed", failure: aborted };
    this.tried.push(action);
    return this.#world.apply(action, failed);
  }
}

const aborted: ActFailure = { kind: "other", message: "aborted" };
