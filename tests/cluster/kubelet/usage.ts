import { readdirSync, readFileSync } from "node:fs";

/** What the processes of one session use. */
export interface Usage {
  /** Cores, averaged over the last {@link windowMs}. */
  readonly cpuCores: number;
  readonly memoryBytes: number;
}

/** The clock of /proc counts in hundredths of a second on every Linux that Node runs on. */
const ticksPerSecond = 100;
const pageBytes = 4_096;
const sampleMs = 1_000;

/** Span that CPU use is averaged over, in ms: a few samples, yet short against the autoscaler's 5 s. */
export const windowMs = 5_000;

interface Sample {
  readonly atMs: number;
  readonly cpuTicks: number;
  readonly memoryBytes: number;
}

/** Measures, from /proc, what the processes of each session use. */
export class UsageMeter {
  readonly #samples = new Map<number, Sample[]>();

  /** Measures every second until `signal` aborts. */
  constructor(signal: AbortSignal) {
    const timer = setInterval(() => this.#sample(), sampleMs);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Use of one session; undefined until it has been seen twice. */
  of(sessionId: number): Usage | undefined {
    const samples = this.#samples.get(sessionId) ?? [];
    const first = samples[0];
    const last = samples.at(-1);
    if (first === undefined || last === undefined || first === last) return undefined;
    const seconds = (last.atMs - first.atMs) / 1_000;
    // Ticks of a child that ended without being waited for are lost, and the sum can fall.
    const ticks = Math.max(0, last.cpuTicks - first.cpuTicks);
    return { cpuCores: ticks / ticksPerSecond / seconds, memoryBytes: last.memoryBytes };
  }

  #sample(): void {
    const atMs = performance.now();
    const sums = new Map<number, { cpuTicks: number; memoryBytes: number }>();
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = readStat(entry);
      if (stat === undefined) continue;
      const sum = sums.get(stat.sessionId) ?? { cpuTicks: 0, memoryBytes: 0 };
      sum.cpuTicks += stat.cpuTicks;
      sum.memoryBytes += stat.memoryBytes;
      sums.set(stat.sessionId, sum);
    }
    for (const sessionId of this.#samples.keys()) {
      if (!sums.has(sessionId)) this.#samples.delete(sessionId);
    }
    for (const [sessionId, sum] of sums) {
      const samples = this.#samples.get(sessionId) ?? [];
      samples.push({ atMs, ...sum });
      while ((samples[0]?.atMs ?? atMs) < atMs - windowMs) samples.shift();
      this.#samples.set(sessionId, samples);
    }
  }
}

function readStat(
  pid: string,
): { sessionId: number; cpuTicks: number; memoryBytes: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the name in parentheses and may hold anything; the others follow it.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  // Numbered from 3 in proc(5): 6 session, 14-17 utime, stime, cutime, cstime, 24 resident pages.
  const field = (number: number): number => fields[number - 3] ?? 0;
  return {
    sessionId: field(6),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    memoryBytes: field(24) * pageBytes,
  };
}
