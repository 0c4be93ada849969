/** A version as tools print it: three numbers and, after a dash, an optional pre-release tag. */
export interface Version {
  readonly numbers: readonly [major: number, minor: number, patch: number];
  /** Empty for a release. */
  readonly preRelease: string;
}

/** Versions from `atLeast` (included) up to `below` (excluded, its pre-releases too), both as `1.2.3`. */
export interface VersionRange {
  readonly atLeast: string;
  readonly below: string;
}

const versionPattern = /(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?/;

/** The first version found in the text, or undefined where there is none. A distribution's suffix (`+ds`) is ignored. */
export function parseVersion(text: string): Version | undefined {
  const match = versionPattern.exec(text);
  if (match === null) return undefined;
  return {
    numbers: [Number(match[1]), Number(match[2]), Number(match[3])],
    preRelease: match[4] ?? "",
  };
}

/** `1.2.3` or `1.2.3-tag`. */
export function formatVersion(version: Version): string {
  const numbers = version.numbers.join(".");
  return version.preRelease === "" ? numbers : `${numbers}-${version.preRelease}`;
}

/** Negative when `a` is the older one. A pre-release is older than its release. */
export function compareVersions(a: Version, b: Version): number {
  for (const place of [0, 1, 2] as const) {
    const difference = a.numbers[place] - b.numbers[place];
    if (difference !== 0) return difference;
  }
  if (a.preRelease === b.preRelease) return 0;
  if (a.preRelease === "") return 1;
  if (b.preRelease === "") return -1;
  return a.preRelease < b.preRelease ? -1 : 1;
}

/** Whether the version lies in the range. */
export function isWithin(version: Version, range: VersionRange): boolean {
  const atLeast = parseVersion(range.atLeast);
  const below = parseVersion(range.below);
  if (atLeast === undefined || below === undefined) {
    throw new Error(`not a version range: ${formatRange(range)}`);
  }
  const numbersOnly = { numbers: version.numbers, preRelease: "" };
  return compareVersions(version, atLeast) >= 0 && compareVersions(numbersOnly, below) < 0;
}

/** For people: `>= 1.2.3 and < 2.0.0`. */
export function formatRange(range: VersionRange): string {
  return `>= ${range.atLeast} and < ${range.below}`;
}
