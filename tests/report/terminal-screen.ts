import type { TextStream } from "../../rollout/report/terminal.ts";

/** A stream that keeps what is written; as a TTY it also shows what a person would see. */
export class Screen implements TextStream {
  readonly isTTY: boolean;
  readonly columns = 100;
  written = "";

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.written += text;
  }

  /** The lines of the screen: a carriage return goes back to the first column, and writing covers. */
  get lines(): string[] {
    return this.written.split("\n").map((line) => {
      const cells: string[] = [];
      for (const part of line.split("\r")) {
        Array.from(part).forEach((character, index) => (cells[index] = character));
      }
      return cells.join("").trimEnd();
    });
  }
}
