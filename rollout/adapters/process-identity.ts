import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);

/** Who a process is, such that a recycled pid or another machine is never taken for it. */
export const processIdentitySchema = z.strictObject({
  host: z.string(),
  /** The machine itself, as hosts can share a name; null where the system does not tell. */
  machine: z.string().nullable(),
  /** One start of the machine; null where the system does not tell. */
  boot: z.string().nullable(),
  /** The set of processes in which `pid` counts (containers have their own); null where there is but one. */
  pidNamespace: z.string().nullable(),
  pid: z.int().positive(),
  /** When the process started, in the system's own words; compared only for equality. */
  startTime: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** `unknown`: it cannot be seen from here, so nothing may be concluded. */
export type Liveness = "alive" | "dead" | "unknown";

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await look(process.pid);
  if (own.kind !== "running") throw new Error(`invariant: this process is ${own.kind}`);
  return { ...(await ownHost()), pid: process.pid, startTime: own.startTime };
}

/** Whether the process that is meant still runs. Dead only when that is proven. */
export async function livenessOf(other: ProcessIdentity): Promise<Liveness> {
  const here = await ownHost();
  if (other.host !== here.host || other.machine !== here.machine) return "unknown";
  if (other.boot !== here.boot) {
    // the machine was started again since; without a machine id the same name may be two machines
    return here.machine !== null && here.boot !== null && other.boot !== null ? "dead" : "unknown";
  }
  if (other.pidNamespace !== here.pidNamespace) return "unknown";
  const found = await look(other.pid);
  if (found.kind === "hidden") return "unknown";
  return found.kind === "running" && found.startTime === other.startTime ? "alive" : "dead";
}

type Host = Omit<ProcessIdentity, "pid" | "startTime">;

async function ownHost(): Promise<Host> {
  if (process.platform !== "linux") {
    return { host: hostname(), machine: null, boot: null, pidNamespace: null };
  }
  return {
    host: hostname(),
    machine: await firstLine("/etc/machine-id"),
    boot: await firstLine("/proc/sys/kernel/random/boot_id"),
    pidNamespace: await readlink("/proc/self/ns/pid").catch(() => null),
  };
}

async function firstLine(path: string): Promise<string | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  const line = text.split("\n")[0]?.trim() ?? "";
  return line === "" ? null : line;
}

/** `ended` also when nobody has reaped it yet; `hidden`: it runs and may not be looked at. */
type Look =
  { readonly kind: "running"; readonly startTime: string } | { readonly kind: "ended" | "hidden" };

async function look(pid: number): Promise<Look> {
  return process.platform === "linux" ? lookInProc(pid) : lookByPs(pid);
}

async function lookInProc(pid: number): Promise<Look> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, "utf8");
  } catch {
    // /proc may be mounted so that other users' processes do not show; a signal still finds them
    return { kind: exists(pid) ? "hidden" : "ended" };
  }
  // the command name stands in parentheses and may hold anything; state is the first field after it
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTime = fields[19];
  if (startTime === undefined) throw new Error(`invariant: /proc/${pid}/stat has no start time`);
  return state === "Z" || state === "X" ? { kind: "ended" } : { kind: "running", startTime };
}

async function lookByPs(pid: number): Promise<Look> {
  try {
    const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
      timeout: 5_000,
    });
    const [state = "", ...started] = stdout.trim().split(/\s+/);
    if (state === "" || state.startsWith("Z")) return { kind: "ended" };
    return { kind: "running", startTime: started.join(" ") };
  } catch {
    // ps exits 1 when it finds no such process
    return { kind: exists(pid) ? "hidden" : "ended" };
  }
}

/** Signal 0 only asks. Not permitted means that there is one. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
