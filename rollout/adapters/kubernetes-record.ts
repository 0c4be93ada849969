import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import type { RolloutRecord } from "../core/state.ts";
import { UserError } from "../errors.ts";

/** A ConfigMap holds 1 MiB in all its values together. */
const bytesMax = 1024 * 1024;
/** Far above any record; a text that unpacks to more is not one. */
const textBytesMax = 256 * bytesMax;

const plainKey = "record.json";
const packedKey = "record.json.gz";

/** The two fields of a ConfigMap that hold content. */
export const contentSchema = z.object({
  data: z.record(z.string(), z.string()).default({}),
  /** In base64. */
  binaryData: z.record(z.string(), z.string()).default({}),
});
export type ConfigMapContent = z.infer<typeof contentSchema>;

/**
 * A record as the content of a ConfigMap: as JSON while that fits, else packed, which makes it some ten times smaller;
 * the oldest decisions are left out when even that does not fit. What is needed to go on with the rollout, or to go
 * back, is never left out. Throws a UserError when that alone is too large.
 */
export function packRecord(record: RolloutRecord): ConfigMapContent {
  const text = JSON.stringify(record);
  if (Buffer.byteLength(text) <= bytesMax) return { data: { [plainKey]: text }, binaryData: {} };
  for (let kept = record.history.length; ; kept = Math.floor(kept / 2)) {
    const history = kept === 0 ? [] : record.history.slice(-kept);
    const packed = gzipSync(JSON.stringify({ ...record, history }));
    if (packed.length <= bytesMax) {
      return { data: {}, binaryData: { [packedKey]: packed.toString("base64") } };
    }
    if (kept === 0) throw new UserError(tooLarge(record, packed.length));
  }
}

/** The record's text; null when the content holds none. Throws a UserError for one that cannot be unpacked. */
export function unpackRecord({ data, binaryData }: ConfigMapContent, place: string): string | null {
  const packed = binaryData[packedKey];
  if (packed === undefined) return data[plainKey] ?? null;
  try {
    return gunzipSync(Buffer.from(packed, "base64"), { maxOutputLength: textBytesMax }).toString();
  } catch (error) {
    throw new UserError(`${place}: ${packedKey} cannot be unpacked`, { cause: error });
  }
}

function tooLarge({ service, wanted }: RolloutRecord, bytes: number): string {
  return (
    `the record of ${service} does not fit into a ConfigMap: packed and without its history it has ${bytes} bytes, and ` +
    `${bytesMax} are the most; make the pod template of revision ${wanted.name} smaller, for instance by moving ` +
    "its data into a ConfigMap of its own"
  );
}
