/** Something the reader can mend. The message names the wrong value, its place and the change to make. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The world failed: what was tried, on what; the cause is kept. */
export class OperationError extends Error {
  override readonly name = "OperationError";
}
