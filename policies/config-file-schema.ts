import { rules, type Rule } from "./rules.ts";

const levels = ["advisory", "mandatory", "remediate", "disabled"] as const;
const level = { type: "string", enum: [...levels] };

/**
 * The JSON schema of the file that configures the pack, for editors and for `upramp run`. Run as a program this prints it:
 * `config.schema.json` is its output.
 */
export function configFileSchema(): object {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Levels and settings of the rules of upramp's policy pack",
    type: "object",
    properties: {
      all: { description: "Of every rule that is not named.", anyOf: [level, settings({})] },
      environments: {
        description: "Environments of Pulumi ESC, for packs of Pulumi Cloud.",
        type: "array",
        items: { type: "string" },
      },
      ...Object.fromEntries(rules.map((rule) => [rule.name, schemaOf(rule)])),
    },
    additionalProperties: false,
  };
}

function schemaOf({ description, configSchema }: Rule): object {
  return { description, anyOf: [level, settings(configSchema?.properties ?? {})] };
}

function settings(properties: object): object {
  return {
    type: "object",
    properties: { enforcementLevel: level, ...properties },
    additionalProperties: false,
  };
}

if (import.meta.main) process.stdout.write(JSON.stringify(configFileSchema(), null, 2));
