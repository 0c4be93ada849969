import { z } from "zod";
import { ApiRefusal, apiRequest } from "../api-request.ts";
import type { TestNamespace } from "../test-namespace.ts";
import { waitUntil } from "../wait-until.ts";
import { kinds, type Kind } from "./objects.ts";

const apiVersion = "appmesh.k8s.aws/v1beta2";

const readSchema = z.object({
  metadata: z.object({ generation: z.number(), deletionTimestamp: z.string().optional() }),
  spec: z.looseObject({
    awsName: z.string().optional(),
    meshRef: z.object({ name: z.string() }).optional(),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().optional(),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .default([]),
    })
    .prefault({}),
});

/** An object, as far as these tests look at it. */
export type ReadObject = z.output<typeof readSchema>;

function pathOf(space: TestNamespace, kind: Kind, name: string): string {
  const place = kind === "Mesh" ? "" : `/namespaces/${space.name}`;
  return `/apis/${apiVersion}${place}/${kinds[kind].plural}/${name}`;
}

/** An object as the API server has it. @throws ApiRefusal when it has none of that name */
export async function read(space: TestNamespace, kind: Kind, name: string): Promise<ReadObject> {
  const text = await apiRequest(space.cluster.config, "GET", pathOf(space, kind, name));
  return readSchema.parse(JSON.parse(text));
}

/** Asks for its deletion; App Mesh may hold it for a while. */
export async function remove(space: TestNamespace, kind: Kind, name: string): Promise<void> {
  await apiRequest(space.cluster.config, "DELETE", pathOf(space, kind, name));
}

/** Resolves when App Mesh has taken an object as it is now. */
export async function untilActive(
  space: TestNamespace,
  kind: Kind,
  name: string,
): Promise<ReadObject> {
  let seen = "";
  return waitUntil(
    `${kind} ${name} is active`,
    20_000,
    async () => {
      const found = await read(space, kind, name);
      seen = JSON.stringify(found.status);
      const [condition] = found.status.conditions;
      const isCurrent = found.status.observedGeneration === found.metadata.generation;
      const isActive = condition?.type === `${kind}Active` && condition.status === "True";
      return isActive && isCurrent ? found : undefined;
    },
    () => seen,
  );
}

/** Resolves when an object has been let go of and is gone. */
export async function untilGone(space: TestNamespace, kind: Kind, name: string): Promise<void> {
  await waitUntil(`${kind} ${name} is gone`, 20_000, async () => {
    try {
      await read(space, kind, name);
      return false;
    } catch (error) {
      return error instanceof ApiRefusal && error.status === 404;
    }
  });
}
