/** A checksum with the algorithm that made it, in lower-case hexadecimal. */
export interface Checksum {
  readonly algorithm: "sha256" | "sha512";
  readonly hex: string;
}

const hexPattern = /(?<![0-9a-f])([0-9a-f]{128}|[0-9a-f]{64})(?![0-9a-f])/gi;

/**
 * The checksum that a published list gives for a file. Understood are the lines of sha256sum and
 * sha512sum (`HEX  NAME`, also inside a PGP-signed message), JSON (`"NAME": "HEX"`), and a file
 * that holds one checksum and nothing else. Undefined where the file is not named, or named twice
 * with different sums.
 */
export function checksumFor(fileName: string, list: string): Checksum | undefined {
  const alone = list.trim();
  if (/^([0-9a-f]{64}|[0-9a-f]{128})$/i.test(alone)) return checksum(alone);
  const found = new Set<string>();
  for (const line of list.split("\n")) {
    if (!namesFile(line, fileName)) continue;
    for (const match of line.matchAll(hexPattern)) found.add(match[0].toLowerCase());
  }
  const [only, ...others] = found;
  return only === undefined || others.length > 0 ? undefined : checksum(only);
}

/** The name stands alone in the line: not as the end or the start of a longer name. */
function namesFile(line: string, fileName: string): boolean {
  return line.split(/[\s"':,*/]+/).includes(fileName);
}

function checksum(hex: string): Checksum {
  return { algorithm: hex.length === 64 ? "sha256" : "sha512", hex: hex.toLowerCase() };
}
