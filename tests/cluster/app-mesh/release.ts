import { entryKey, entryOf, type AcceptedService, type Draft, type Entry } from "./account.ts";
import type { Kind, MeshObject } from "./objects.ts";
import type { Context } from "./references.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

/** Lets go of what is being deleted, users before what they use. */
export function releaseAll({ objects, draft }: Context): Verdict[] {
  const order: readonly MeshObject[] = [
    ...objects.GatewayRoute,
    ...objects.VirtualService,
    ...objects.VirtualRouter,
    ...objects.VirtualGateway,
    ...objects.VirtualNode,
    ...objects.Mesh,
  ];
  return order
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map((object) => release(draft, object));
}

function release(draft: Draft, object: MeshObject): Verdict {
  const entry = entryOf(draft, object.kind, object.metadata.uid);
  const user = entry === undefined ? undefined : userOf(draft, object.kind, entry);
  if (entry !== undefined && user !== undefined) {
    const refusal = `ResourceInUseException: ${entry.arn} is used by ${user}`;
    return verdictOf(object, entry, refusal);
  }
  if (entry !== undefined) draft[object.kind].delete(keyOfEntry(object.kind, entry));
  return { ...verdictOf(object, entry, undefined), isReleased: true };
}

function keyOfEntry(kind: Kind, { mesh, awsName }: Entry): string {
  return kind === "Mesh" ? awsName : entryKey(mesh, awsName);
}

/** ARN of something in the account that needs an entry, or undefined. */
function userOf(draft: Draft, kind: Kind, { mesh, awsName }: Entry): string | undefined {
  const routers = [...draft.VirtualRouter.values()];
  const services = [...draft.VirtualService.values()];
  const routes = [...draft.GatewayRoute.values()];
  const providedBy = (provider: "router" | "node") => (service: AcceptedService) =>
    service.provider?.kind === provider && service.provider.awsName === awsName;
  const inMesh = <E extends { mesh: string }>(entries: E[]): E[] =>
    entries.filter((entry) => entry.mesh === mesh);
  switch (kind) {
    case "Mesh": {
      const members = [draft.VirtualGateway, draft.VirtualNode, routers, services, routes].flatMap(
        (entries): { mesh: string; arn: string }[] => [...entries.values()],
      );
      return inMesh(members)[0]?.arn;
    }
    case "VirtualGateway":
      return inMesh(routes).find(({ gateway }) => gateway === awsName)?.arn;
    case "VirtualNode":
      return (
        inMesh(services).find(providedBy("node"))?.arn ??
        inMesh(routers).find((router) =>
          router.routes.some(({ targets }) => targets.some(({ node }) => node === awsName)),
        )?.arn
      );
    case "VirtualRouter":
      return inMesh(services).find(providedBy("router"))?.arn;
    case "VirtualService":
      return inMesh(routes).find(({ service }) => service === awsName)?.arn;
    case "GatewayRoute":
      return undefined;
  }
}
