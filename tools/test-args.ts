import { availableParallelism } from "node:os";
import { UserError } from "../rollout/errors.ts";

/** What `npm test` and `npm run test:cluster` were asked for. */
export interface TestArgs {
  /** Whether it is the cluster's tests alone. */
  readonly isClusterOnly: boolean;
  /** How many groups run at a time. */
  readonly jobs: number;
  /** For mocha, or for the cluster's program. */
  readonly rest: readonly string[];
}

/**
 * Takes `--only cluster` and `--jobs N` out of the arguments. Without the latter there is a group for
 * each core: the tests wait for rollouts and intervals half of their time, and more of them miss their bounds.
 *
 * @throws UserError when N is not a number of groups
 */
export function readTestArgs(args: readonly string[]): TestArgs {
  const rest = [...args];
  const isClusterOnly = rest[0] === "--only" && rest[1] === "cluster";
  if (isClusterOnly) rest.splice(0, 2);
  const at = rest.findIndex((arg) => arg === "--jobs" || arg.startsWith("--jobs="));
  if (at === -1) return { isClusterOnly, jobs: availableParallelism(), rest };
  const isJoined = rest[at]?.includes("=") === true;
  const text = isJoined ? rest[at]?.slice("--jobs=".length) : rest[at + 1];
  rest.splice(at, isJoined ? 1 : 2);
  return { isClusterOnly, jobs: readJobs(text ?? ""), rest };
}

function readJobs(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UserError(`--jobs ${text}: how many groups run at a time, from 1 to 999`);
}
