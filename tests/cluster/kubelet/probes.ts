import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Container, V1HTTPGetAction, V1Probe } from "@kubernetes/client-node";
import type { ContainerProcess } from "./container-process.ts";

/** One try of a probe. */
export interface ProbeResult {
  readonly ok: boolean;
  /** In the words of a node, for the Unhealthy event. */
  readonly message: string;
}

/** What a probe looks at. */
export interface ProbeTarget {
  readonly container: V1Container;
  readonly process: ContainerProcess;
  readonly podIp: string;
}

/** Called with each change of mind, after the threshold. */
export interface ProbeHandler {
  /** The probe's state after its thresholds. Called only when it changes, and first with the first result. */
  changed(ok: boolean, message: string): void;
  /** A single failed try. */
  failed(message: string): void;
}

/**
 * Interval of a readiness or startup probe until it has succeeded once, in ms. A node waits out the
 * probe's whole period, a second at the least; here a rollout of test pods need not.
 */
const firstSuccessIntervalMs = 100;

/** How long the short interval is used, in ms; after that a failing container is probed as declared. */
const firstSuccessSpanMs = 15_000;

/**
 * Runs a probe until `signal` aborts, with the thresholds and times the probe declares.
 *
 * @param hurried whether to try at the short interval until the first success
 */
export async function runProbe(
  probe: V1Probe,
  target: ProbeTarget,
  handler: ProbeHandler,
  hurried: boolean,
  signal: AbortSignal,
): Promise<void> {
  const periodMs = (probe.periodSeconds ?? 10) * 1_000;
  const hurriedUntil = performance.now() + (hurried ? firstSuccessSpanMs : 0);
  let successes = 0;
  let failures = 0;
  let state: boolean | undefined;
  if (!(await pause((probe.initialDelaySeconds ?? 0) * 1_000, signal))) return;
  for (;;) {
    const result = await tryProbe(probe, target, signal);
    if (signal.aborted) return;
    const hurry = state === undefined && performance.now() < hurriedUntil;
    if (result.ok) {
      failures = 0;
      successes += 1;
      if (state !== true && successes >= (probe.successThreshold ?? 1)) {
        state = true;
        handler.changed(true, result.message);
      }
    } else if (!hurry) {
      successes = 0;
      failures += 1;
      handler.failed(result.message);
      if (state !== false && failures >= (probe.failureThreshold ?? 3)) {
        state = false;
        handler.changed(false, result.message);
      }
    }
    const waitMs = hurry && !result.ok ? firstSuccessIntervalMs : periodMs;
    if (!(await pause(waitMs, signal))) return;
  }
}

/** Tries a probe once, within its timeout. */
export async function tryProbe(
  probe: V1Probe,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1_000;
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  if (probe.httpGet !== undefined) return httpGet(probe.httpGet, target, bounded);
  if (probe.tcpSocket !== undefined) {
    return tcpConnect(
      probe.tcpSocket.host ?? target.podIp,
      portOf(probe.tcpSocket.port, target.container),
      bounded,
    );
  }
  if (probe.exec !== undefined) {
    const { code, output } = await target.process.exec(probe.exec.command ?? [], bounded);
    if (bounded.aborted)
      return { ok: false, message: `command timed out after ${timeoutMs / 1_000}s` };
    return { ok: code === 0, message: output.trim() };
  }
  return { ok: false, message: "this kind of probe is not supported by the test node" };
}

/**
 * GETs a path of the container; answers from 200 to 399 count as success.
 *
 * @param signal bounds the request
 */
export function httpGet(
  action: V1HTTPGetAction,
  { container, podIp }: Pick<ProbeTarget, "container" | "podIp">,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const port = portOf(action.port, container);
  const url = `${scheme}://${action.host ?? podIp}:${port}/${(action.path ?? "/").replace(/^\//, "")}`;
  const headers = Object.fromEntries(
    (action.httpHeaders ?? []).map(({ name, value }) => [name, value]),
  );
  const options = {
    headers: { "user-agent": "kube-probe/1.37", ...headers },
    agent: false,
    signal,
  };
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      const words = signal.aborted ? "context deadline exceeded" : error.message;
      resolve({ ok: false, message: `Get "${url}": ${words}` });
    };
    try {
      const sent =
        scheme === "https"
          ? httpsRequest(url, { ...options, rejectUnauthorized: false })
          : httpRequest(url, options);
      sent.once("response", (response) => {
        response.resume();
        response.once("error", fail);
        const status = response.statusCode ?? 0;
        const ok = status >= 200 && status < 400;
        resolve({ ok, message: ok ? "" : `HTTP probe failed with statuscode: ${status}` });
      });
      sent.once("error", fail);
      sent.end();
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function tcpConnect(host: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ ok: true, message: "" });
    });
    socket.once("error", (error) => {
      socket.destroy();
      const words = signal.aborted ? "i/o timeout" : error.message;
      resolve({ ok: false, message: `dial tcp ${host}:${port}: ${words}` });
    });
  });
}

function portOf(port: number | string, container: V1Container): number {
  const number = Number(port);
  if (!Number.isNaN(number)) return number;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? 0;
}

async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
