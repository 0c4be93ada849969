import { z } from "zod";

const imageSchema = z.strictObject({
  /** Last path segment of the image names it answers to: `podinfo` for `ghcr.io/x/podinfo:6.1.0`. */
  repository: z.string(),
  /** Regular expression that the whole tag must match; without it every tag exists. */
  tags: z.string().optional(),
  /** What the image's ENTRYPOINT would be. `{tag}` stands for the tag. */
  entrypoint: z.array(z.string()).default([]),
  /** What the image's CMD would be. */
  args: z.array(z.string()).default([]),
  /**
   * Arguments that follow whatever the container says, with `$(POD_IP)`: for programs that would
   * listen at every address, as in a network of their own.
   */
  appendedArgs: z.array(z.string()).default([]),
  /** What the image's ENV would be. `{tag}` stands for the tag. */
  env: z.record(z.string(), z.string()).default({}),
});

/** A row of the image table: which names it answers to and which process it stands for. */
export type ImageRow = z.input<typeof imageSchema>;

/** Parser of an image table. */
export const imageTableSchema = z.array(imageSchema);

/** What an image brings to a container. */
export interface Image {
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  readonly appendedArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Which process stands for which image; all other images cannot be pulled. */
export class ImageTable {
  readonly #rows: readonly z.output<typeof imageSchema>[];

  constructor(rows: readonly z.output<typeof imageSchema>[]) {
    this.#rows = rows;
  }

  /** The image, or undefined when it cannot be pulled. */
  resolve(reference: string): Image | undefined {
    const { repository, tag } = splitReference(reference);
    const row = this.#rows.find(
      (candidate) =>
        candidate.repository === repository &&
        (candidate.tags === undefined || new RegExp(`^(?:${candidate.tags})$`).test(tag)),
    );
    if (row === undefined) return undefined;
    const fill = (text: string): string => text.replaceAll("{tag}", tag);
    return {
      entrypoint: row.entrypoint.map(fill),
      args: row.args.map(fill),
      appendedArgs: row.appendedArgs,
      env: Object.fromEntries(Object.entries(row.env).map(([name, text]) => [name, fill(text)])),
    };
  }
}

/** The words of a node with containerd about an image that its registry does not have. */
export function pullErrorMessage(reference: string): string {
  const full = fullReference(reference);
  return (
    `rpc error: code = NotFound desc = failed to pull and unpack image "${full}": ` +
    `failed to resolve reference "${full}": ${full}: not found`
  );
}

function splitReference(reference: string): { repository: string; tag: string } {
  const last = reference.split("/").at(-1) ?? reference;
  const withoutDigest = last.split("@")[0] ?? last;
  const [repository = "", tag = "latest"] = withoutDigest.split(":");
  return { repository, tag };
}

function fullReference(reference: string): string {
  const withTag = /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`;
  const [first = "", ...rest] = withTag.split("/");
  if (rest.length === 0) return `docker.io/library/${withTag}`;
  return /[.:]/.test(first) || first === "localhost" ? withTag : `docker.io/${withTag}`;
}
