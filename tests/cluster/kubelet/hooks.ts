import { setTimeout as sleep } from "node:timers/promises";
import type { V1LifecycleHandler } from "@kubernetes/client-node";
import { httpGet, type ProbeTarget } from "./probes.ts";

/**
 * Runs a postStart or preStop hook.
 *
 * @param signal bounds it
 * @returns why it failed, or undefined
 */
export async function runHook(
  hook: V1LifecycleHandler,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (hook.sleep !== undefined) {
    // The end of the bound also ends the sleep, which is no failure of the hook.
    await sleep(hook.sleep.seconds * 1_000, undefined, { signal }).catch(() => undefined);
    return undefined;
  }
  if (hook.exec !== undefined) {
    const { code, output } = await target.process.exec(hook.exec.command ?? [], signal);
    return code === 0 ? undefined : `command exited with ${code}: ${output.trim()}`;
  }
  if (hook.httpGet !== undefined) {
    const { ok, message } = await httpGet(hook.httpGet, target, signal);
    return ok ? undefined : message;
  }
  return "this kind of hook is not supported by the test node";
}
