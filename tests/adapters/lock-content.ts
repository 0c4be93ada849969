import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessIdentity } from "../../rollout/adapters/process-identity.ts";

/** The text of a lock file whose holder is like this process but for what is given. */
export function lockContent(holder: Partial<ProcessIdentity>): string {
  const linux = process.platform === "linux";
  const own: ProcessIdentity = {
    host: hostname(),
    machine: linux ? readFileSync("/etc/machine-id", "utf8").trim() : null,
    boot: linux ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() : null,
    pidNamespace: linux ? readlinkSync("/proc/self/ns/pid") : null,
    pid: process.pid,
    startTime: "a process that never was",
  };
  const content = {
    token: randomUUID(),
    user: "ann",
    since: 1_000,
    process: { ...own, ...holder },
  };
  return JSON.stringify(content);
}
