import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 50;
/** A process that was killed is gone at once, unless the machine is very busy. */
const killBoundMs = 5_000;

/** A process that outlived the tests that started it. */
interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/**
 * Ends the processes that have a folder as their TMPDIR, whoever is their parent by now: the local
 * target's processes outlive what started them, but inherit that variable.
 *
 * @param folder  a folder that no one else has as TMPDIR
 * @param graceMs how long they may take to end by themselves, in ms
 * @returns what had to be killed, as command lines
 */
export async function endLeftovers(folder: string, graceMs: number): Promise<readonly string[]> {
  const graceEnd = performance.now() + graceMs;
  const killEnd = graceEnd + killBoundMs;
  const killed = new Map<number, string>();
  for (;;) {
    const left = leftoversOf(folder);
    const now = performance.now();
    if (left.length === 0 || now > killEnd) return [...killed.values()];
    if (now >= graceEnd) {
      for (const { pid, command } of left) {
        killed.set(pid, command);
        kill(pid);
      }
    }
    await sleep(pollMs);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended meanwhile.
  }
}

function leftoversOf(folder: string): Leftover[] {
  const entry = `TMPDIR=${folder}`;
  return process.platform === "linux" ? fromProc(entry) : fromPs(entry);
}

function fromProc(entry: string): Leftover[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
        if (!environment.includes(entry)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), command }];
      } catch {
        return []; // Another user's, or gone meanwhile.
      }
    });
}

function fromPs(entry: string): Leftover[] {
  const text = execFileSync("ps", ["-A", "-E", "-ww", "-o", "pid=,command="], {
    encoding: "utf8",
    timeout: 5_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return text
    .split("\n")
    .filter((line) => line.includes(entry))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }));
}
