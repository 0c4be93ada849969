/** An error the reader can mend: it names the wrong value, the place and the change to make. */
export class LocalError extends Error {
  override readonly name = "LocalError";
  /** The engine prints the stack of what a provider throws; the reader needs only the message. */
  override readonly stack = "";
}
