import { ApiError } from "./api-error.ts";

const conflictHelp =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
  "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources";

/** Whether the object, its kind or its namespace is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

/** What a dry run cannot know: an object that is replaced, a namespace that comes in this update. */
export function isFineInPreview(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    (error.reason === "AlreadyExists" ||
      error.reason === "Forbidden" ||
      error.isNamespaceMissing ||
      error.isImmutableField)
  );
}

/** Why a request failed, in the official provider's words. */
export function reasonOf(error: unknown, manager: string): string {
  if (error instanceof ApiError && error.isFieldConflict) {
    return (
      `Server-Side Apply field conflict detected. See ${conflictHelp} for troubleshooting help.\n` +
      `The resource managed by field manager "${manager}" had an apply conflict: ${error.message}`
    );
  }
  return error instanceof Error ? error.message : String(error);
}
