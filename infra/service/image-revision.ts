import { parse, type Revision } from "../contract.ts";
import { imageSchema, revisionOf, withImage, workloadContent } from "./workload-revision.ts";

/**
 * The configured revision with another image in its first container. Throws ContractError for what cannot be an
 * image.
 */
export function revisionWithImage(configured: Revision, image: string, place: string): Revision {
  const checked = parse(imageSchema, image, place);
  const { template, configs, ignore } = workloadContent(configured);
  return revisionOf({ name: undefined, template: withImage(template, checked) }, configs, ignore);
}
