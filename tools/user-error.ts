/** A problem that the person at the keyboard can mend: the message says what is wrong, where, and what to do. Never shown with a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
}
