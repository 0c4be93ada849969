/**
 * Lays variables over this process's environment, for what reads it there; undefined takes one away.
 *
 * @returns puts back what was there before
 */
export function overlayEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  lay(Object.entries(variables));
  return () => lay(before);
}

function lay(variables: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of variables) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
