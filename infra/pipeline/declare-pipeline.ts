import * as pulumi from "@pulumi/pulumi";
import type * as pulumiservice from "@pulumi/pulumiservice";
import { DeploymentSchedule } from "@pulumi/pulumiservice/deploymentSchedule.js";
import { DeploymentSettings } from "@pulumi/pulumiservice/deploymentSettings.js";
import type { PipelineOutputs, PipelineSettings } from "../pipeline-contract.ts";
import { runCommands } from "./run-commands.ts";

/** A pipeline's settings, and the values that nobody may read. */
export interface PipelineArgs {
  readonly settings: PipelineSettings;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Declares for each service stack how Pulumi Deployments runs its rollouts, and a schedule that goes on with them. */
export function declarePipeline({ settings, secrets }: PipelineArgs): PipelineOutputs {
  const { organization, project = pulumi.getProject(), resume } = settings;
  const stacks = Object.entries(settings.services).map(([stack, service]) => {
    const place = { organization, project, stack };
    const deployments = new DeploymentSettings(stack, {
      ...place,
      ...(settings.agentPool === undefined ? {} : { agentPoolId: settings.agentPool }),
      ...(settings.executorImage === undefined
        ? {}
        : { executorContext: { executorImage: settings.executorImage } }),
      cacheOptions: { enable: true },
      sourceContext: {
        git: {
          branch: `refs/heads/${settings.source.branch}`,
          repoDir: settings.source.directory,
        },
      },
      vcs: {
        provider: settings.source.provider,
        repository: settings.source.repository,
        deployCommits: true,
        // a preview is a run too, of whatever the pull request holds
        previewPullRequests: false,
        pullRequestTemplate: false,
        ...(service.paths.length === 0 ? {} : { paths: [...service.paths] }),
      },
      operationContext: {
        environmentVariables: {
          ...settings.environment,
          ...service.environment,
          ...secretVariables(secrets),
        },
        ...(settings.oidc === undefined ? {} : { oidc: { aws: awsAccess(settings.oidc) } }),
        preRunCommands: runCommands(stack, settings),
        // each commit only says what is wanted, and the newest wins
        options: { skipIntermediateDeployments: true },
      },
    });
    new DeploymentSchedule(
      stack,
      { ...place, scheduleCron: resume, pulumiOperation: "update" },
      { dependsOn: [deployments] },
    );
    return `${organization}/${project}/${stack}`;
  });
  return { contract: 1, kind: "pipeline", stacks };
}

function secretVariables(
  secrets: Readonly<Record<string, string>>,
): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [name, pulumi.secret(value)]),
  );
}

function awsAccess(
  oidc: NonNullable<PipelineSettings["oidc"]>,
): pulumiservice.types.input.AWSOIDCConfigurationArgs {
  const minutes = Math.floor(oidc.duration / 60_000);
  return {
    roleARN: oidc.roleArn,
    sessionName: "upramp-${deployment.id}",
    duration: `${Math.floor(minutes / 60)}h${minutes % 60}m0s`,
  };
}
