import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process is known by its pid and its start time: a pid alone may belong to another process by the time
 * it is used. On Linux the start time is field 22 of /proc/PID/stat (clock ticks since boot), elsewhere
 * what `ps -o lstart=` says.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

export function identityText({ pid, startTime }: ProcessIdentity): string {
  return `${pid}:${startTime}`;
}

/** Reads `pid:starttime`. Throws when the text is something else. */
export function parseIdentity(text: string): ProcessIdentity {
  const [, pid, startTime] = /^(\d+):(.+)$/.exec(text) ?? [];
  if (pid === undefined || startTime === undefined) {
    throw new Error(`"${text}" is not a process identity of the form pid:starttime`);
  }
  return { pid: Number(pid), startTime };
}

/** Start time of a live process; null when there is none of that pid, or only a zombie. */
export function liveStartTime(pid: number): string | null {
  const found = process.platform === "linux" ? fromProc(pid) : fromPs(pid);
  return found === null || found.zombie ? null : found.startTime;
}

/**
 * Start time of a process of ours that may have ended already but was not waited for yet: a zombie counts.
 */
export function ownStartTime(pid: number): string | null {
  return (process.platform === "linux" ? fromProc(pid) : fromPs(pid))?.startTime ?? null;
}

/** True while exactly this process runs: same pid, same start time, not a zombie. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return liveStartTime(pid) === startTime;
}

interface Found {
  readonly startTime: string;
  /** Ended, but nobody has waited for it: state Z. */
  readonly zombie: boolean;
}

function fromProc(pid: number): Found | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // the second field is the command in parentheses and may hold spaces and parentheses itself
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTime = fields[19]; // field 22, counted from 1, with the first two cut off
  if (state === undefined || startTime === undefined) return null;
  return { startTime, zombie: state === "Z" || state === "X" };
}

function fromPs(pid: number): Found | null {
  try {
    const line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    }).trim();
    const [, state, startTime] = /^(\S+)\s+(.+)$/.exec(line) ?? [];
    if (state === undefined || startTime === undefined) return null;
    return { startTime: startTime.replaceAll(/\s+/g, " "), zombie: state.startsWith("Z") };
  } catch {
    return null;
  }
}
