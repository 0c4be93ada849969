import { setTimeout as sleep } from "node:timers/promises";
import type { V1Container, V1Probe } from "@kubernetes/client-node";
import { Backoff, inSeconds } from "./backoff.ts";
import { logPath, prepareLaunch, type LaunchContext } from "./container-launch.ts";
import { ContainerProcess, StartError, type Exit } from "./container-process.ts";
import type { ContainerReport, ContainerState } from "./container-state.ts";
import { ContainerConfigError } from "./environment.ts";
import { runHook } from "./hooks.ts";
import { pullErrorMessage, type Image, type ImageTable } from "./images.ts";
import { podKey } from "./pod-key.ts";
import { runProbe, type ProbeHandler, type ProbeTarget } from "./probes.ts";

/**
 * How long a container without a readiness probe must be alive to count as ready, in ms. Else a
 * process that fails at its start is ready for a moment, and counts as available once.
 */
const readyAfterAliveMs = 300;

/** How long a node shows ErrImagePull before its next sync of the pod makes it a back-off, in ms. */
const pullErrorShownMs = 1_000;

/** How often a missing ConfigMap or Secret is looked for again, in ms. */
const configRetryMs = 1_000;

/** What a container needs to know of its pod. */
export interface ContainerContext extends LaunchContext {
  readonly images: ImageTable;
  /** Whether a container that ended with this code is started again. */
  readonly restarts: (exitCode: number) => boolean;
  /** Something of the report has changed. */
  readonly changed: () => void;
  readonly warn: (reason: string, message: string) => void;
}

/** Keeps one container of a pod running as its declaration says, and reports on it. */
export class Container {
  readonly spec: V1Container;
  /** Resolves when the container has ended and is not started again. */
  readonly finished: Promise<void>;
  readonly #context: ContainerContext;
  readonly #ending = new AbortController();
  readonly #restartBackoff = new Backoff(true);
  readonly #pullBackoff = new Backoff(false);
  readonly #begun = Promise.withResolvers<undefined>();
  readonly #graceMs: number;
  #process: ContainerProcess | undefined;
  #state: ContainerState;
  #lastState: ContainerState | undefined;
  #restartCount: number;
  #ready = false;
  #started = false;
  #containerId: string | undefined;

  /**
   * @param waitingFor   reason shown until {@link Container.begin}
   * @param restartCount carried over from what an earlier kubelet reported
   */
  constructor(spec: V1Container, context: ContainerContext, waitingFor: string, restartCount = 0) {
    this.spec = spec;
    this.#context = context;
    this.#state = { kind: "waiting", reason: waitingFor };
    this.#restartCount = restartCount;
    this.#graceMs = (context.facts.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
    this.finished = this.#begun.promise.then(() => this.#keepRunning());
  }

  /** Starts it; before that it is reported as waiting. */
  begin(): void {
    this.#begun.resolve(undefined);
  }

  report(): ContainerReport {
    return {
      name: this.spec.name,
      image: this.spec.image ?? "",
      state: this.#state,
      lastState: this.#lastState,
      restartCount: this.#restartCount,
      ready: this.#ready,
      started: this.#started,
      containerId: this.#containerId,
    };
  }

  /** Pid of the process, which is the id of its session, while it runs. */
  get pid(): number | undefined {
    return this.#process?.isAlive === true ? this.#process.pid : undefined;
  }

  /** Log of the present or last start. */
  get logPath(): string {
    return logPath(this.#context.folder, this.#restartCount);
  }

  /** Log of the start before, or undefined. */
  get previousLogPath(): string | undefined {
    const count = this.#restartCount - 1;
    return count < 0 ? undefined : logPath(this.#context.folder, count);
  }

  /**
   * Ends it for good: preStop, SIGTERM, and SIGKILL when the grace is over. A second call with a
   * shorter grace shortens the first.
   *
   * @param graceMs for all of it together
   */
  async end(graceMs: number): Promise<void> {
    this.#ending.abort();
    this.begin();
    if (this.#process !== undefined) await this.#stop(this.#process, graceMs);
    await this.finished;
  }

  async #keepRunning(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const image = await this.#pull();
      const exit = image && (await this.#runOnce(image));
      if (exit === undefined || this.#ending.signal.aborted) return;
      if (!this.#context.restarts(exit.code)) return;
      if (!(await this.#backOff())) return;
      this.#restartCount += 1;
    }
  }

  /** The image; undefined when the container is ended while the image cannot be had. */
  async #pull(): Promise<Image | undefined> {
    const reference = this.spec.image ?? "";
    const message = pullErrorMessage(reference);
    for (;;) {
      const image = this.#context.images.resolve(reference);
      if (image !== undefined) return image;
      this.#context.warn("Failed", `Failed to pull image "${reference}": ${message}`);
      this.#become({ kind: "waiting", reason: "ErrImagePull", message });
      if (!(await this.#pause(pullErrorShownMs))) return undefined;
      this.#become({
        kind: "waiting",
        reason: "ImagePullBackOff",
        message: `Back-off pulling image "${reference}": ErrImagePull: ${message}`,
      });
      if (!(await this.#pause(this.#pullBackoff.next()))) return undefined;
    }
  }

  /** How one start ended; undefined when the container is ended before there is a process. */
  async #runOnce(image: Image): Promise<Exit | undefined> {
    const startedAt = new Date();
    const started = await this.#start(image);
    if (started === undefined) return undefined;
    if (started instanceof StartError) {
      const exit = { code: 128, signal: undefined };
      this.#context.warn("Failed", `Error: ${started.message}`);
      this.#terminated(exit, startedAt, "StartError", started.message);
      return exit;
    }
    return this.#watchToEnd(started, startedAt);
  }

  async #start(image: Image): Promise<ContainerProcess | StartError | undefined> {
    while (!this.#ending.signal.aborted) {
      try {
        const launch = await prepareLaunch(this.spec, image, this.#restartCount, this.#context);
        if (this.#ending.signal.aborted) return undefined;
        return await ContainerProcess.start(launch);
      } catch (error) {
        if (error instanceof StartError) return error;
        const message = error instanceof Error ? error.message : String(error);
        if (error instanceof ContainerConfigError) {
          this.#context.warn("Failed", `Error: ${message}`);
          this.#become({ kind: "waiting", reason: "CreateContainerConfigError", message });
        }
        await this.#pause(configRetryMs);
      }
    }
    return undefined;
  }

  async #watchToEnd(process: ContainerProcess, startedAt: Date): Promise<Exit> {
    this.#process = process;
    this.#containerId = `process://${process.pid}`;
    this.#started = this.spec.startupProbe === undefined;
    this.#become({ kind: "running", startedAt });
    const watching = new AbortController();
    void this.#probe(process, watching.signal);
    // The container may have been ended while its process was being started.
    if (this.#ending.signal.aborted) void this.#stop(process, this.#graceMs);
    const exit = await process.exited;
    watching.abort();
    // What the first process left running is part of the container.
    process.signal("SIGKILL");
    process.cleanUp();
    this.#restartBackoff.reset(Date.now() - startedAt.getTime());
    const showsLog = this.spec.terminationMessagePolicy === "FallbackToLogsOnError";
    const message = showsLog && exit.code !== 0 ? process.logTail() : undefined;
    this.#terminated(exit, startedAt, exit.code === 0 ? "Completed" : "Error", message);
    return exit;
  }

  /** Runs postStart and the probes, startup before the others, until the signal aborts. */
  async #probe(process: ContainerProcess, signal: AbortSignal): Promise<void> {
    const { startupProbe, livenessProbe, readinessProbe, lifecycle } = this.spec;
    const target: ProbeTarget = {
      container: this.spec,
      process,
      podIp: this.#context.facts.podIp,
    };
    if (lifecycle?.postStart !== undefined) {
      const failure = await runHook(lifecycle.postStart, target, signal);
      if (failure !== undefined && !signal.aborted) {
        this.#context.warn("FailedPostStartHook", `PostStartHook failed: ${failure}`);
        return this.#stop(process, this.#graceMs);
      }
    }
    if (startupProbe !== undefined && !(await this.#passStartup(startupProbe, target, signal)))
      return;
    if (livenessProbe !== undefined) {
      void runProbe(
        livenessProbe,
        target,
        this.#killing("Liveness", livenessProbe, process),
        false,
        signal,
      );
    }
    if (readinessProbe === undefined) {
      const alive = await sleep(readyAfterAliveMs, true, { signal }).catch(() => false);
      if (alive) this.#setReady(true);
      return;
    }
    const handler: ProbeHandler = {
      changed: (ok) => this.#setReady(ok),
      failed: (message) => this.#context.warn("Unhealthy", `Readiness probe failed: ${message}`),
    };
    await runProbe(readinessProbe, target, handler, true, signal);
  }

  async #passStartup(probe: V1Probe, target: ProbeTarget, signal: AbortSignal): Promise<boolean> {
    const passed = new AbortController();
    const killing = this.#killing("Startup", probe, target.process);
    const handler: ProbeHandler = {
      failed: (message) => killing.failed(message),
      changed: (ok, message) => {
        if (ok) passed.abort();
        else killing.changed(ok, message);
      },
    };
    await runProbe(probe, target, handler, true, AbortSignal.any([signal, passed.signal]));
    if (!passed.signal.aborted || signal.aborted) return false;
    this.#started = true;
    this.#context.changed();
    return true;
  }

  /** A handler that stops the process when its probe fails; it is then restarted as after a crash. */
  #killing(kind: string, probe: V1Probe, process: ContainerProcess): ProbeHandler {
    return {
      failed: (message) => this.#context.warn("Unhealthy", `${kind} probe failed: ${message}`),
      changed: (ok) => {
        if (ok) return;
        this.#context.warn(
          "Killing",
          `Container ${this.spec.name} failed ${kind.toLowerCase()} probe, will be restarted`,
        );
        const { terminationGracePeriodSeconds } = probe;
        const graceMs =
          terminationGracePeriodSeconds === undefined
            ? this.#graceMs
            : terminationGracePeriodSeconds * 1_000;
        void this.#stop(process, graceMs);
      },
    };
  }

  async #stop(process: ContainerProcess, graceMs: number): Promise<void> {
    if (!process.isAlive) return;
    const ended = new AbortController();
    const bound = sleep(graceMs, undefined, { signal: ended.signal })
      .then(() => process.signal("SIGKILL"))
      .catch(() => undefined);
    const { preStop } = this.spec.lifecycle ?? {};
    if (preStop !== undefined && graceMs > 0) {
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(graceMs)]);
      const target = { container: this.spec, process, podIp: this.#context.facts.podIp };
      const failure = await Promise.race([
        runHook(preStop, target, signal),
        process.exited.then(() => undefined),
      ]);
      if (failure !== undefined) {
        this.#context.warn("FailedPreStopHook", `PreStopHook failed: ${failure}`);
      }
    }
    process.signal("SIGTERM");
    await process.exited;
    ended.abort();
    await bound;
  }

  /** Waits before a restart; false when the container is ended meanwhile. */
  async #backOff(): Promise<boolean> {
    const delayMs = this.#restartBackoff.next();
    this.#lastState = this.#state;
    if (delayMs === 0) return !this.#ending.signal.aborted;
    const { namespace, name, uid } = podKey(this.#context.facts.pod);
    const pod = `${name}_${namespace}(${uid})`;
    this.#become({
      kind: "waiting",
      reason: "CrashLoopBackOff",
      message: `back-off ${inSeconds(delayMs)} restarting failed container=${this.spec.name} pod=${pod}`,
    });
    this.#context.warn(
      "BackOff",
      `Back-off restarting failed container ${this.spec.name} in pod ${pod}`,
    );
    return this.#pause(delayMs);
  }

  #terminated(exit: Exit, startedAt: Date, reason: string, message: string | undefined): void {
    this.#ready = false;
    this.#started = false;
    this.#become({
      kind: "terminated",
      exitCode: exit.code,
      reason,
      startedAt,
      finishedAt: new Date(),
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      ...(message === undefined ? {} : { message }),
      ...(this.#containerId === undefined ? {} : { containerId: this.#containerId }),
    });
  }

  #become(state: ContainerState): void {
    this.#state = state;
    this.#context.changed();
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#context.changed();
  }

  async #pause(ms: number): Promise<boolean> {
    try {
      await sleep(ms, undefined, { signal: this.#ending.signal });
      return true;
    } catch {
      return false;
    }
  }
}
