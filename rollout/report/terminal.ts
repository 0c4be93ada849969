/** A stream to write to; a TTY has the last two. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const styles = { dim: 2, red: 31, green: 32, yellow: 33, bold: 1 } as const;
export type Style = keyof typeof styles;

export type Paint = (style: Style, text: string) => string;

/** Colors text for this stream, or leaves it as it is: not a TTY, a dumb terminal, or NO_COLOR is set. */
export function painter(stream: TextStream, environment: Environment): Paint {
  const noColor = environment["NO_COLOR"] ?? "";
  if (!isTerminal(stream, environment) || noColor !== "") return (_style, text) => text;
  return (style, text) => `\u001b[${styles[style]}m${text}\u001b[0m`;
}

/** True when a line can be drawn over. */
export function isTerminal(stream: TextStream, environment: Environment): boolean {
  return stream.isTTY === true && environment["TERM"] !== "dumb";
}
