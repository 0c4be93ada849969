import type { PipelineSettings } from "../pipeline-contract.ts";

/** Exit code of a run that ended with its time; the next one goes on (docs/operating.md). */
const underWay = 6;

/**
 * What a run does before its own operation, one shell each: sets the wanted revision by a plain update, which moves no request,
 * then drives the rollout for as long as a run may take. A deployment has one operation, and that is none of `upramp`'s; the
 * `pulumi up` that follows finds nothing to do.
 */
export function runCommands(stack: string, settings: PipelineSettings): string[] {
  const { organization, prepare, timeLimit } = settings;
  const limit = `${Math.floor(timeLimit / 1_000)}s`;
  const up = `pulumi up --yes --skip-preview --non-interactive --stack ${stack}`;
  const run = `npx upramp --json --stack ${stack} run --until-done --for ${limit}`;
  return [
    ...prepare,
    `pulumi org set-default ${quoted(organization)}`,
    inUpdates(up),
    inUpdates(`${run} || { code=$?; [ $code -eq ${underWay} ] || exit $code; }`),
  ];
}

/** The commands run before every operation; a preview or a destroy must drive nothing. */
function inUpdates(command: string): string {
  const others = "preview|refresh|destroy|detect-drift|remediate-drift";
  return `case "$PULUMI_CI_OPERATION" in ${others}) ;; *) ${command} ;; esac`;
}

/** One word of a shell. */
function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
