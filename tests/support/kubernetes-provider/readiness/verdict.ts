/** Whether what was seen of an object is what its declaration waits for. */
export type Verdict =
  | { readonly ready: true }
  | {
      readonly ready: false;
      /** What is missing, for the status line. */
      readonly waitingFor: string;
      /** Reasons to give when the bound is reached. */
      readonly errors: readonly string[];
    };

export const ready: Verdict = { ready: true };

export function waiting(waitingFor: string, errors: readonly string[] = []): Verdict {
  return { ready: false, waitingFor, errors };
}
