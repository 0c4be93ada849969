import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** True when a process of this machine has the pid and its command line names `program`. */
export async function isAlive(pid: number, program: string): Promise<boolean> {
  try {
    const { stdout } = await run("ps", ["-o", "stat=,command=", "-p", String(pid)]);
    const text = stdout.trim();
    return text !== "" && !text.startsWith("Z") && text.includes(program);
  } catch {
    // ps ends with 1 when there is no such process
    return false;
  }
}
