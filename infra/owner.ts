import * as pulumi from "@pulumi/pulumi";
import { fullStackName } from "./stack-outputs.ts";

/** Says which stack made an object, by the stack's full name. What lacks it is somebody else's. */
export const ownerAnnotation = "upramp.dev/stack";

/** Annotations of an object that this stack makes. */
export function ownerAnnotations(): Record<string, string> {
  return { [ownerAnnotation]: fullStackName(pulumi.getStack()) };
}
