/** A command line in parts, or why it is not one. */
export type CommandLine =
  | {
      readonly kind: "command";
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: "refused"; readonly why: string };

type Words =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | (CommandLine & { kind: "refused" });

const refused = (why: string): { readonly kind: "refused"; readonly why: string } => ({
  kind: "refused",
  why,
});

/**
 * Splits a command line as a POSIX shell would: blanks, both kinds of quotes, backslash, and leading
 * `NAME=value` words. Nothing is expanded and no shell runs it, so what a shell would act on is refused.
 */
export function splitCommandLine(text: string): CommandLine {
  const split = splitWords(text);
  if (split.kind === "refused") return split;
  const firstCommand = split.words.findIndex((word) => !assignment.test(word));
  const command = split.words[firstCommand];
  if (command === undefined || command === "") return refused("there is no command");
  const env = split.words.slice(0, firstCommand).map((word): [string, string] => {
    const at = word.indexOf("=");
    return [word.slice(0, at), word.slice(at + 1)];
  });
  return {
    kind: "command",
    command,
    args: split.words.slice(firstCommand + 1),
    env: Object.fromEntries(env),
  };
}

const assignment = /^[A-Za-z_]\w*=/;

/**
 * One token at a time: blanks, a quoted part, an escaped character, or a run of plain characters, in which a
 * placeholder such as `{{ port }}` stays whole.
 */
const token =
  /(?<blanks>\s+)|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[\s\S])*)"|\\(?<escaped>[\s\S])|(?<plain>(?:\{\{\s*[\w.-]+\s*\}\}|[^\s'"\\])+)/y;

const actedOnByShell = /[|&;<>()$`*?]/;

function splitWords(text: string): Words {
  const words: string[] = [];
  let word: string | null = null;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const groups = token.exec(text)?.groups;
    if (groups === undefined) {
      return refused(`the quote or backslash at character ${at + 1} has no end`);
    }
    const { blanks, single, double, escaped, plain } = groups;
    if (blanks !== undefined) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    const special =
      plain === undefined
        ? /[$`]/.exec(double?.replaceAll(/\\[\s\S]/g, "") ?? "")
        : actedOnByShell.exec(plain);
    if (special) {
      return refused(
        `no shell runs this, so "${special[0]}" would do nothing; put it in single quotes to mean the character`,
      );
    }
    const part = single ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "";
    word = (word ?? "") + part;
  }
  if (word !== null) words.push(word);
  return { kind: "words", words };
}
