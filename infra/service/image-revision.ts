import { ContractError, type Revision } from "../contract.ts";
import { revisionOf, withImage, workloadContent } from "./workload-revision.ts";

/**
 * The configured revision with another image in its first container. Throws ContractError for what cannot be an
 * image.
 */
export function revisionWithImage(configured: Revision, image: string, place: string): Revision {
  // the registry is the judge of the rest
  if (!/^[\w.-]+([/:@][\w.-]+)*$/.test(image)) {
    throw new ContractError(
      `${place} = ${JSON.stringify(image)}: is no image; write it as \`kubectl set image\` takes it, such as ` +
        "ghcr.io/stefanprodan/podinfo:6.9.2",
    );
  }
  const { template, configs, ignore } = workloadContent(configured);
  return revisionOf({ name: undefined, template: withImage(template, image) }, configs, ignore);
}
