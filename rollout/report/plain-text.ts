/**
 * Text from outside with its control characters made spaces: a revision's name or a server's message must not
 * steer the terminal, break a line or make a page ill-formed.
 */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, " ");
}
