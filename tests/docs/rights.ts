import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { blockAfter, textOf } from "./markdown.ts";

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().exactOptional() }),
  rules: z
    .array(
      z.object({
        apiGroups: z.array(z.string()),
        resources: z.array(z.string()),
        resourceNames: z.array(z.string()).optional(),
        verbs: z.array(z.string()),
      }),
    )
    .optional(),
});
export type RightsObject = z.output<typeof objectSchema>;

/** The objects under "Rights" in docs/routers.md, as `kubectl apply` would read them. */
export function documentedRights(
  edit: (text: string) => string = (text) => text,
): readonly RightsObject[] {
  const documents = parseAllDocuments(edit(blockAfter(textOf("docs/routers.md"), "rights")));
  // an empty block gives none, in a form of its own
  const list = Array.isArray(documents) ? documents : [];
  return list.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return objectSchema.parse(document.toJS());
  });
}
