import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { forbidDiscontinuedAppMesh } from "./forbid-discontinued-app-mesh.ts";
import { forbidLatestImage } from "./forbid-latest-image.ts";
import { forbidPlainSecrets } from "./forbid-plain-secrets.ts";
import { forbidRevisionChangeUnderWeight } from "./forbid-revision-change-under-weight.ts";
import { forbidRevisionInBothSlots } from "./forbid-revision-in-both-slots.ts";
import { forbidWeightOnEmptySlot } from "./forbid-weight-on-empty-slot.ts";
import { forbidWildcardRights } from "./forbid-wildcard-rights.ts";
import { requireEncryption } from "./require-encryption.ts";
import { requireKnownStep } from "./require-known-step.ts";
import { requireLimitedClusterEndpoint } from "./require-limited-cluster-endpoint.ts";
import { requireProbes } from "./require-probes.ts";
import { requireRequestsAndLimits } from "./require-requests-and-limits.ts";
import { requireWholeWeights } from "./require-whole-weights.ts";

/** A rule of the pack. */
export type Rule = ResourceValidationPolicy | StackValidationPolicy;

/** Every rule: those of rollouts before those of the platform. */
export const rules: readonly Rule[] = [
  requireWholeWeights,
  requireKnownStep,
  forbidWeightOnEmptySlot,
  forbidRevisionInBothSlots,
  forbidRevisionChangeUnderWeight,
  forbidDiscontinuedAppMesh,
  requireLimitedClusterEndpoint,
  forbidWildcardRights,
  requireEncryption,
  forbidLatestImage,
  requireRequestsAndLimits,
  requireProbes,
  forbidPlainSecrets,
];
