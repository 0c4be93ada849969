import { ConcurrentUpdateError, type EngineEvent } from "@pulumi/pulumi/automation/index.js";
import type { ActFailure } from "../core/decide.ts";

/**
 * What a failed Pulumi operation means. Events decide where they can; matching of text is kept to this
 * file, with recorded samples in its test, because the CLI has no error codes (pulumi/pulumi#6137).
 */

/** Resource types whose failure means that a version of the service did not come up. */
const workloadTypes: ReadonlySet<string> = new Set([
  "upramp:local:Process",
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:DaemonSet",
]);

/** Text of the CLI that a person can act upon, and what to do. */
const knownTexts: readonly (readonly [RegExp, string])[] = [
  [
    /incorrect passphrase/i,
    "the stack's secrets cannot be opened: set PULUMI_CONFIG_PASSPHRASE (or PULUMI_CONFIG_PASSPHRASE_FILE) to the passphrase it was made with",
  ],
  [
    /passphrase must be set|get passphrase|enter your passphrase/i,
    "no passphrase is given: set PULUMI_CONFIG_PASSPHRASE (or PULUMI_CONFIG_PASSPHRASE_FILE)",
  ],
  [
    /PULUMI_ACCESS_TOKEN must be set|not logged in/i,
    "not logged in to a Pulumi backend: run `pulumi login` or set PULUMI_BACKEND_URL",
  ],
];

const lockedText =
  /Another update is currently in progress|the stack is currently locked by|is currently locked/i;

/** Collects what the engine says during one operation. */
export class EngineEvents {
  readonly #failedTypes: string[] = [];
  readonly #errors: string[] = [];
  readonly #violations: string[] = [];
  readonly #packs = new Set<string>();
  #stackOutputs: Readonly<Record<string, unknown>> | null = null;

  /** Give this to `onEvent`. Never throws: the SDK swallows exceptions here. */
  readonly take = (event: EngineEvent): void => {
    const failed = event.resOpFailedEvent?.metadata;
    if (failed !== undefined) this.#failedTypes.push(failed.type);
    const diagnostic = event.diagnosticEvent;
    if (diagnostic?.severity === "error")
      this.#errors.push(withoutStackTrace(plain(diagnostic.message)));
    const policy = event.policyEvent;
    if (policy?.enforcementLevel === "mandatory") {
      const { policyName, resourceUrn, message } = policy;
      this.#violations.push(`${policyName}: ${plain(message)} (${resourceUrn ?? "the stack"})`);
    }
    const output = event.resOutputsEvent?.metadata;
    if (output?.type === "pulumi:pulumi:Stack") this.#stackOutputs = output.new?.outputs ?? null;
    // the typed field is never set: the engine writes the name with a capital letter
    const packs: unknown = Reflect.get(event.summaryEvent ?? {}, "PolicyPacks");
    if (typeof packs === "object" && packs !== null) {
      for (const pack of Object.keys(packs)) this.#packs.add(pack);
    }
  };

  /** Mandatory policies that were violated. */
  get violations(): readonly string[] {
    return this.#violations;
  }

  /** Whether the program itself ended with an error, and nothing that it declares was tried in vain. */
  get programFailed(): boolean {
    return this.#errors.length > 0 && this.#failedTypes.length === 0;
  }

  /** The stack's outputs as the operation left or would leave them. */
  get stackOutputs(): Readonly<Record<string, unknown>> | null {
    return this.#stackOutputs;
  }

  /** Policy packs that really ran. */
  get packs(): ReadonlySet<string> {
    return this.#packs;
  }

  /** Why the operation that rejected with `error` failed. */
  failure(error: unknown): ActFailure {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof ConcurrentUpdateError || lockedText.test(text)) {
      return { kind: "locked", message: lockMessage(text) };
    }
    if (this.#violations.length > 0) {
      return { kind: "policy", message: this.#violations.join("; ") };
    }
    const known = explain(text);
    if (known !== null) return { kind: "other", message: known };
    const errors = this.#errors.filter((message) => !/^update failed$/i.test(message));
    const message =
      errors.length > 0 ? [...new Set(errors.map(withRemedy))].join("; ") : lastLines(plain(text));
    const workload = this.#failedTypes.some((type) => workloadTypes.has(type));
    return { kind: workload ? "workload" : "other", message };
  }
}

/** What a person can do about a known text of the CLI, or null. */
export function explain(text: string): string | null {
  return knownTexts.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** The part of the lock error that says who holds it since when. */
function lockMessage(text: string): string {
  const line = text
    .split("\n")
    .find((candidate) => /created by|locked by|in progress/i.test(candidate));
  const holder = /created by .*/i.exec(text)?.[0];
  return plain(
    holder === undefined ? (line ?? "locked by another update") : `locked: ${holder}`,
  ).trim();
}

/** The process that holds a lock of the file backend, as its error names it. */
export function lockHolders(
  text: string,
): readonly { readonly pid: number; readonly host: string }[] {
  const pattern = /created by \S+@(\S+) \(pid (\d+)\)/g;
  return [...text.matchAll(pattern)].map(([, host = "", pid = ""]) => ({ host, pid: Number(pid) }));
}

/** Without the engine's color marks and escape codes. */
function plain(text: string): string {
  return text
    .replaceAll(/<\{%[^%]*%\}>/g, "")
    .replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "")
    .trim();
}

/**
 * What a program threw: its message and what caused it, without the name of the class, the places in the code and the
 * fields of the error. A program that the CLI ran is named.
 */
function withoutStackTrace(text: string): string {
  const [, program, thrown = text] =
    /^Running program '(.*)' failed with an unhandled exception:\n(.*)$/s.exec(text) ?? [];
  const [head = "", ...trace] = thrown.split(/\n(?=\s+at )/);
  const causes = [...trace.join("\n").matchAll(/^\s*\[cause\]: (.+?)(?: \{)?$/gm)];
  const message = withoutFields(head)
    .replace(/^(<ref \*\d+> )?(Unhandled exception: )?(\w*Error: )+/, "")
    .trim();
  const lines = [message, ...causes.map(([, cause = ""]) => `  because: ${cause}`)];
  return (program === undefined ? "" : `${program}: `) + lines.join("\n");
}

/** An error without a stack is printed in brackets, its fields in braces after it. */
function withoutFields(text: string): string {
  return /^\[(.*)\](?: \{\n.*\})?\s*$/s.exec(text)?.[1] ?? text.replace(/ \{\s*$/, "");
}

/** Words of the API server, as the provider passes them on: without its frame of a list, with what to do. */
function withRemedy(message: string): string {
  const said = message.replace(/^1 error occurred:\s*\* /, "");
  return / is forbidden: User ".*" cannot /.test(said)
    ? `${said}. Give that user this right; docs/routers.md lists all that it needs`
    : said;
}

function lastLines(text: string): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-5)
    .join(" | ");
}
