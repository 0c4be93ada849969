import type { Assignment, Drive, Revision, ServiceOutputs } from "../contract.ts";

/** What a service stack is to show after this update. */
export interface Desired {
  readonly assignment: Assignment;
  /** The revision that the configuration of the last plain update asked for. */
  readonly configured: Revision;
  readonly failed: ServiceOutputs["failed"];
  /** True when the live weights are to be kept whatever the assignment says. */
  readonly keepWeights: boolean;
}

/**
 * Who decides: in an update by the driver the driver, whole; in a plain one what the stack shows already, and the
 * checkout only says which revision is wanted. The very first update puts the configured revision into blue.
 */
export function desiredOf(
  configured: Revision,
  drive: Drive | null,
  previous: ServiceOutputs | null,
): Desired {
  if (drive !== null) {
    return {
      assignment: drive.assignment,
      configured: previous?.configured ?? configured,
      failed: drive.failed,
      keepWeights: false,
    };
  }
  if (previous !== null) {
    return {
      assignment: previous.assignment,
      configured,
      failed: previous.failed,
      keepWeights: true,
    };
  }
  return { assignment: firstAssignment(configured), configured, failed: null, keepWeights: true };
}

function firstAssignment(revision: Revision): Assignment {
  return {
    primary: "blue",
    slots: { blue: revision, green: null },
    weights: { blue: 100, green: 0 },
  };
}
