import { createReadStream, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { closingLine } from "./test-counts.ts";
import type { GroupResult } from "./test-group-run.ts";
import type { TestGroup } from "./test-groups.ts";

const redrawMs = 1_000;
/** How much of a group's failures is told again, and of a group that broke off, in lines. */
const failureLines = 80;
const lastLines = 20;
const eraseLine = "\r\u001B[2K";

/** Where the words about groups go: the output of a test run, and a terminal beside it. */
export interface TestOutputStreams {
  readonly out: NodeJS.WritableStream;
  /** Gets a live line of what is running, where it is a terminal. */
  readonly live: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

/** Tells of groups that run at the same time: each one's output in one piece, when it has ended. */
export class TestOutput {
  readonly #streams: TestOutputStreams;
  readonly #startedAt = performance.now();
  readonly #running = new Map<TestGroup, number>();
  readonly #count: number;
  #ended = 0;
  #printing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** @param count of groups in all */
  constructor(count: number, streams: TestOutputStreams) {
    this.#count = count;
    this.#streams = streams;
  }

  started(group: TestGroup): void {
    this.#running.set(group, performance.now());
    if (this.#isLive) {
      this.#timer ??= setInterval(() => this.#draw(), redrawMs).unref();
      this.#draw();
    } else {
      this.#write(`-- ${group.name}: started (at ${seconds(this.#startedAt)})\n`);
    }
  }

  /** Prints a group's output, after that of the one before. */
  async ended(result: GroupResult): Promise<void> {
    this.#running.delete(result.group);
    this.#ended += 1;
    this.#printing = this.#printing.then(() => this.#print(result));
    await this.#printing;
  }

  /** Takes the live line away; after this nothing is printed. */
  close(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  /** What failed once more, as it may stand far above; then a line for each group, in the order given. */
  summary(results: readonly GroupResult[]): void {
    this.close();
    for (const { group, counts, logPath } of results) {
      if (counts.failed === 0 || logPath === undefined) continue;
      this.#write(`\n== failed in ${group.name}\n${failuresIn(readFileSync(logPath, "utf8"))}\n`);
    }
    const width = Math.max(...results.map(({ group }) => group.name.length));
    this.#write(`\n== groups (${seconds(this.#startedAt)})\n`);
    for (const { group, counts, tookMs, problem } of results) {
      const took = `${Math.round(tookMs / 1_000)} s`.padStart(6);
      const what = problem === undefined ? "" : `: ${problem}`;
      this.#write(`${group.name.padEnd(width)} ${took}  ${closingLine(counts)}${what}\n`);
    }
  }

  async #print(result: GroupResult): Promise<void> {
    const { group, counts, tookMs, logPath, problem, leftovers, temporaryFolder } = result;
    this.#erase();
    const took = `${Math.round(tookMs / 1_000)} s`;
    if (logPath !== undefined) {
      this.#write(`\n== ${group.name}: ${closingLine(counts)} (${took})\n`);
      await copyTo(this.#streams.out, logPath);
    }
    if (problem !== undefined) this.#write(`${group.name} ${problem}.\n`);
    for (const command of leftovers) this.#write(`It left a process running: ${command}\n`);
    if (counts.failed > 0) this.#write(`Its temporary files are in ${temporaryFolder}\n`);
    this.#draw();
  }

  #draw(): void {
    if (!this.#isLive || this.#running.size === 0) return;
    const running = [...this.#running].map(([{ name }, since]) => `${name} ${seconds(since)}`);
    const line = `${this.#ended} of ${this.#count} groups done; running: ${running.join(", ")}`;
    const { live } = this.#streams;
    live.write(eraseLine + line.slice(0, (live.columns ?? 80) - 1));
  }

  #erase(): void {
    if (this.#isLive) this.#streams.live.write(eraseLine);
  }

  get #isLive(): boolean {
    return this.#streams.live.isTTY === true;
  }

  #write(text: string): void {
    this.#streams.out.write(text);
  }
}

/** The end of a group's output: from mocha's list of failures on, or of one that never came to it its last lines. */
function failuresIn(log: string): string {
  const lines = log.trimEnd().split("\n");
  const list = lines.findLastIndex((line) =>
    /^\s*\d+ failing$/.test(stripVTControlCharacters(line).trimEnd()),
  );
  return (list < 0 ? lines.slice(-lastLines) : lines.slice(list, list + failureLines)).join("\n");
}

function seconds(sinceMs: number): string {
  return `${Math.round((performance.now() - sinceMs) / 1_000)} s`;
}

async function copyTo(out: NodeJS.WritableStream, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) out.write(chunk as Buffer);
}
