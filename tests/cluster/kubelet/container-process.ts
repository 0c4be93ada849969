import { spawn, type ChildProcess } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { commandBeside, commandInView, prepareView, type Mount } from "./mount-view.ts";

/** How a container process ended. */
export interface Exit {
  /** 128 + n after signal n, as container runtimes report it. */
  readonly code: number;
  readonly signal: number | undefined;
}

/** Everything needed to start a container once. */
export interface ContainerLaunch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mounts: readonly Mount[];
  /** stdout and stderr go here. */
  readonly logPath: string;
  /** Empty folder for this start's root, made when there are mounts. */
  readonly viewFolder: string;
}

/** The command of a container is not there: the node reports StartError with this message. */
export class StartError extends Error {}

/**
 * A running container: a session of its own, so that all its processes are known by their session
 * id, and gone when the kubelet is.
 */
export class ContainerProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #launch: ContainerLaunch;
  #alive = true;

  /** @throws StartError when the command does not exist */
  static start(launch: ContainerLaunch): Promise<ContainerProcess> {
    assertExecutable(launch);
    mkdirSync(dirname(launch.logPath), { recursive: true });
    const argv =
      launch.mounts.length === 0
        ? launch.argv
        : commandInView(prepareView(launch.viewFolder, launch.mounts), launch.cwd, launch.argv);
    const log = openSync(launch.logPath, "a");
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], {
      env: launch.env,
      cwd: launch.mounts.length === 0 ? launch.cwd : "/",
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    return new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new StartError(error.message)));
      child.once("spawn", () => resolve(new ContainerProcess(child, launch)));
    });
  }

  private constructor(child: ChildProcess, launch: ContainerLaunch) {
    if (child.pid === undefined) throw new StartError("the process has no pid");
    this.pid = child.pid;
    this.#launch = launch;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#alive = false;
        const number = signal === null ? undefined : osConstants.signals[signal];
        resolve({ code: number === undefined ? (code ?? 255) : 128 + number, signal: number });
      });
    });
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** Signals the container's process group. */
  signal(name: "SIGTERM" | "SIGKILL"): void {
    try {
      process.kill(-this.pid, name);
    } catch {
      // The group is gone already.
    }
  }

  /** The last lines of its output, at most 80 lines or 2 KiB, as a node takes them for a message. */
  logTail(): string {
    const text = readFileSync(this.#launch.logPath, "utf8");
    return text.split("\n").slice(-81).join("\n").slice(-2_048);
  }

  /**
   * Runs a command with the container's view, variables and folder.
   *
   * @param signal ends the command
   */
  exec(argv: readonly string[], signal: AbortSignal): Promise<{ code: number; output: string }> {
    const beside = this.#launch.mounts.length === 0 ? [...argv] : commandBeside(this.pid, argv);
    const [command = "", ...args] = beside;
    return new Promise((resolve) => {
      const child = spawn(command, args, {
        env: this.#launch.env,
        cwd: this.#launch.mounts.length === 0 ? this.#launch.cwd : "/",
        stdio: ["ignore", "pipe", "pipe"],
        signal,
        killSignal: "SIGKILL",
      });
      let output = "";
      const collect = (chunk: Buffer): void => {
        output = `${output}${chunk.toString()}`.slice(-4_096);
      };
      child.stdout.on("data", collect);
      child.stderr.on("data", collect);
      child.once("error", (error) => resolve({ code: 126, output: error.message }));
      child.once("close", (code) => resolve({ code: code ?? 137, output }));
    });
  }

  /** Removes what the start left on disk; the log stays. */
  cleanUp(): void {
    rmSync(this.#launch.viewFolder, { recursive: true, force: true });
  }
}

function assertExecutable({ argv, env, mounts, cwd }: ContainerLaunch): void {
  const [command = ""] = argv;
  if (command === "") throw new StartError("no command specified");
  const candidates = command.includes("/")
    ? [join(command.startsWith("/") ? "/" : cwd, command)]
    : (env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, command));
  if (candidates.some((path) => isExecutable(seenFromMachine(path, mounts)))) return;
  throw new StartError(
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: " +
      "runc create failed: unable to start container process: error during container init: " +
      (command.includes("/")
        ? `exec: "${command}": stat ${command}: no such file or directory`
        : `exec: "${command}": executable file not found in $PATH`),
  );
}

function seenFromMachine(path: string, mounts: readonly Mount[]): string {
  const mount = mounts.find(({ target }) => path.startsWith(`${target}/`));
  return mount === undefined ? path : join(mount.source, path.slice(mount.target.length));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
