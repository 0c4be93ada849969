import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** A folder or file of the machine and where a process is to see it. */
export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** A root folder of a process's own, and the table of mounts that fill it. */
export interface MountView {
  readonly root: string;
  readonly fstab: string;
}

/** Where the machine's own root is inside a view; links of the view point into it. */
const machineRoot = "/.machine";

interface PlanNode {
  source?: string;
  readonly children: Map<string, PlanNode>;
}

/**
 * Prepares a root in which the machine's files are where they are, and each mount is at its target
 * even where the machine has no such folder (`/certs`, `/etc/podinfo`). Nothing is mounted yet:
 * {@link commandInView} does that in a mount namespace of the process's own.
 *
 * Only top folders are bind mounts. Inside a folder that a target goes through, what is not the
 * target is a link, so that a view costs some twenty mounts however full `/etc` is.
 *
 * @param folder an empty folder of the view's own
 */
export function prepareView(folder: string, mounts: readonly Mount[]): MountView {
  const root = join(folder, "root");
  const table: string[] = [];
  mkdirSync(join(root, machineRoot), { recursive: true });
  table.push(fstabLine("/", join(root, machineRoot)));
  const plan = planOf(mounts);
  for (const name of readdirSync("/")) {
    if (!plan.children.has(name)) mirrorTop(name, root, table);
  }
  layOut(plan, "/", root, table);
  const fstab = join(folder, "fstab");
  writeFileSync(fstab, table.join(""));
  return { root, fstab };
}

/** The command that runs `argv` inside a view, keeping its pid. */
export function commandInView(view: MountView, cwd: string, argv: readonly string[]): string[] {
  const enter = 'cd "$0" && exec "$@"';
  const mountAndChange =
    'said=$(mount -a -T "$1" 2>&1) || { echo "$said" >&2; exit 128; }; root=$2; shift 2; exec chroot "$root" sh -c "$@"';
  return [
    "unshare",
    "-m",
    "sh",
    "-c",
    mountAndChange,
    "sh",
    view.fstab,
    view.root,
    enter,
    cwd,
    ...argv,
  ];
}

/** The command that runs `argv` beside a process that is in a view. */
export function commandBeside(pid: number, argv: readonly string[]): string[] {
  return ["nsenter", "-t", String(pid), "-m", "-r", "-w", "--", ...argv];
}

function planOf(mounts: readonly Mount[]): PlanNode {
  const plan: PlanNode = { children: new Map() };
  for (const { source, target } of mounts) {
    let node = plan;
    for (const part of resolveLinks(target).split("/").filter(Boolean)) {
      let next = node.children.get(part);
      if (next === undefined) node.children.set(part, (next = { children: new Map() }));
      node = next;
    }
    node.source = source;
  }
  return plan;
}

/** Follows links of the machine on the way to the target, such as `/var/run`, which is `/run`. */
function resolveLinks(target: string): string {
  let path = "";
  for (const part of target.split("/").filter(Boolean)) {
    path = `${path}/${part}`;
    const link = linkAt(path);
    if (link !== undefined) path = link.startsWith("/") ? link : join(path, "..", link);
  }
  return path;
}

function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function mirrorTop(name: string, root: string, table: string[]): void {
  const from = `/${name}`;
  const to = join(root, name);
  const kind = lstatSync(from);
  if (kind.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
  } else if (kind.isDirectory()) {
    mkdirSync(to);
    table.push(fstabLine(from, to));
  } else {
    symlinkSync(join(machineRoot, from), to);
  }
}

function layOut(plan: PlanNode, at: string, root: string, table: string[]): void {
  for (const [name, node] of plan.children) {
    const path = join(at, name);
    const inView = join(root, path);
    if (node.source !== undefined) {
      mountAt(node, node.source, inView, table);
      continue;
    }
    mkdirSync(inView, { recursive: true });
    for (const sibling of entriesOf(path)) {
      if (!node.children.has(sibling)) {
        symlinkSync(join(machineRoot, path, sibling), join(inView, sibling));
      }
    }
    layOut(node, path, root, table);
  }
}

/** A mount, and then the mounts inside it, whose folders are made in its source. */
function mountAt(node: PlanNode, source: string, inView: string, table: string[]): void {
  if (!existsSync(inView)) makeMountPoint(source, inView);
  table.push(fstabLine(source, inView));
  for (const [name, child] of node.children) {
    const inner = child.source ?? join(source, name);
    if (child.source === undefined) mkdirSync(inner, { recursive: true });
    else makeMountPoint(inner, join(source, name));
    mountAt(child, inner, join(inView, name), table);
  }
}

function makeMountPoint(source: string, target: string): void {
  if (statSync(source).isDirectory()) mkdirSync(target, { recursive: true });
  else writeFileSync(target, "", { flag: "a" });
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function fstabLine(source: string, target: string): string {
  const escape = (path: string): string => path.replaceAll("\\", "\\134").replaceAll(" ", "\\040");
  return `${escape(source)} ${escape(target)} none rbind 0 0\n`;
}
