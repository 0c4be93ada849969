/** Narrower than this, hanging text would be a column of single words: the terminal wraps better itself. */
const widthMin = 30;

/** Breaks text between words so that it stands in a column of this width, the first line at the cursor already. */
export function hangingText(text: string, width: number, indent: number): string {
  if (width < widthMin) return text;
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
