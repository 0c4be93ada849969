/** An error the reader can mend: it names the wrong value, the place and the change to make. */
export class LocalError extends Error {
  override readonly name = "LocalError";
}
