import { z } from "zod";

/** Schemas of what Kubernetes objects are named by. */

export const port = z.int().min(1).max(65_535);

/** A name of one part, such as a namespace's. */
export const label = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "use up to 63 of a-z, 0-9 and -");

/** A name that may have dots. */
export const objectName = z.string().min(1).max(253);

export const objectReference = z.strictObject({ namespace: label, name: objectName });
export type ObjectReference = z.infer<typeof objectReference>;
