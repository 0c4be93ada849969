import type { ResourceValidationPolicy } from "@pulumi/policy";
import { texts } from "./config-schemas.ts";
import { exemptions, isExempt } from "./exemptions.ts";
import { matchesAny } from "./patterns.ts";
import { at, textOf } from "./properties.ts";
import { allContainersOf, podOf } from "./workload-pods.ts";

interface Config {
  readonly allowedImages?: readonly string[];
}

/** Why an image may be another one tomorrow; null when it says which it is. */
export function imageFault(image: string): string | null {
  if (image.includes("@")) return null;
  const [, tag] = /:([^:/]*)$/.exec(image) ?? [];
  if (tag === undefined || tag === "") return "has no tag, which means latest";
  return tag === "latest" ? "is whatever was pushed last" : null;
}

/** An image is named by a tag of its own or by its digest. */
export const forbidLatestImage: ResourceValidationPolicy = {
  name: "forbid-latest-image",
  description:
    "An image is named by a version or a digest: latest is another one tomorrow, and no rollback brings it back.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      ...exemptions,
      allowedImages: texts("Images that may go without a version; * stands for anything."),
    },
  },
  validateResource: (args, reportViolation) => {
    const pod = podOf(args.type, args.props);
    if (pod === null || isExempt(args)) return;
    const { allowedImages = [] } = args.getConfig<Config>();
    for (const { place, container } of allContainersOf(pod)) {
      const image = textOf(at(container, "image"));
      if (image === undefined || matchesAny(image, allowedImages)) continue;
      const fault = imageFault(image);
      if (fault === null) continue;
      reportViolation(`${place}.image = "${image}" ${fault}: give a version or a digest`);
    }
  },
};
