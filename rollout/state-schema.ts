import { z } from "zod";
import type { Action, RolloutState } from "./core/state.ts";

/** Names of where a rollout stands and of what is done, as they are stored and told to machines. */

export const phaseSchema = z.enum([
  "idle",
  "progressing",
  "waiting",
  "promoting",
  "finalizing",
  "succeeded",
  "failed",
]) satisfies z.ZodType<RolloutState["phase"]>;

export const actionKindSchema = z.enum([
  "deployCanary",
  "shiftTraffic",
  "correctDrift",
  "promote",
  "removeCanary",
  "removeOld",
]) satisfies z.ZodType<Action["kind"]>;
