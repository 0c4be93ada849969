/** Says by name and shape whether a text is a credential. Rather one too few than a name that is none. */

/** Last words of a name whose value is a credential: `DB_PASSWORD`, `githubToken`, `api-key`. */
const credentialName =
  /(^|_)(password|passwd|passphrase|secret|token|api_?key|secret_?key|access_?key|private_?key|key_base|credentials?)$/;

/** Shapes that are credentials whatever they are called. */
const credentialShapes: readonly (readonly [string, RegExp])[] = [
  ["a private key", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ["an access key of AWS", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ["a token of GitHub", /\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{22,})/],
  ["a token of GitLab", /\bglpat-[\w-]{20,}/],
  ["a token of Slack", /\bxox[abprs]-[\w-]{10,}/],
  ["a key of Stripe", /\b[rs]k_live_\w{16,}/],
  ["a key of Google", /\bAIza[\w-]{35}/],
  ["a token of Pulumi", /\bpul-[0-9a-f]{40}\b/],
  ["a JSON web token", /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ["an address with a password", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:(?![$<{*])[^\s/:@]+@/i],
];

/** What kind of credential a value of this name seems to be; null when it does not. Never says the value. */
export function credentialOf(name: string, value: string): string | null {
  const shape = credentialShapes.find(([, pattern]) => pattern.test(value));
  if (shape !== undefined) return shape[0];
  return credentialName.test(inSnakeCase(name)) && isLiteral(value)
    ? "a credential, as its name says"
    : null;
}

function inSnakeCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[^A-Za-z0-9]+/g, "_")
    .toLowerCase();
}

/** Not a path to a file, a reference to something else, a switch or a number. */
function isLiteral(value: string): boolean {
  const trimmed = value.trim();
  return (
    trimmed.length > 3 &&
    !/^(?:\/|\.\.?\/|file:|arn:|\$[({]|\{\{|<|true$|false$|\d+$)/i.test(trimmed)
  );
}
