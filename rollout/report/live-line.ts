import type { TextStream } from "./terminal.ts";

/** A terminal that does not tell its width. */
const columnsDefault = 80;

/**
 * The last line of a terminal, drawn over again and again. It needs no escape codes: it goes back by a carriage
 * return and covers what stood there with spaces.
 */
export class LiveLine {
  readonly #stream: TextStream;
  #shown = "";

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  show(text: string): void {
    // one column stays free: a full line would wrap, and the next return would go to the second line only
    const cut = text.slice(0, (this.#stream.columns ?? columnsDefault) - 1);
    if (cut === this.#shown) return;
    this.#stream.write(`\r${cut}${this.#cover(cut)}`);
    this.#shown = cut;
  }

  /** Leaves the line empty, for a whole line to be written there. */
  clear(): void {
    if (this.#shown === "") return;
    this.#stream.write(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }

  #cover(text: string): string {
    return " ".repeat(Math.max(0, this.#shown.length - text.length));
  }
}
