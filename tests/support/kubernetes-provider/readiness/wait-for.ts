import { type Fields, listAt, numberAt, textAt } from "../kubernetes-object.ts";
import { findJsonPath, parseJsonPath } from "./json-path.ts";
import { type Verdict, ready, waiting } from "./verdict.ts";

/** Judges one object. */
export type ObjectVerdict = (object: Fields) => Verdict;

/**
 * The rule of annotation `pulumi.com/waitFor`: `jsonpath={PATH}`, `jsonpath={PATH}=VALUE`,
 * `condition=TYPE`, `condition=TYPE=STATUS`, or a JSON array of them, which must all hold.
 *
 * @throws Error naming the expression that is none of these
 */
export function parseWaitFor(annotation: string): ObjectVerdict {
  const rules = expressions(annotation).map(parseExpression);
  if (rules.length === 0) throw new Error("at least one condition must be specified");
  return (object) => {
    const verdicts = rules.map((rule) => rule(object));
    return verdicts.find((verdict) => !verdict.ready) ?? ready;
  };
}

function expressions(annotation: string): readonly string[] {
  if (!annotation.startsWith("[")) return [annotation];
  const values: unknown = JSON.parse(annotation);
  return Array.isArray(values) ? values.map(String) : [annotation];
}

function parseExpression(expression: string): ObjectVerdict {
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(expression);
  if (condition?.[1] !== undefined) return conditionRule(condition[1], condition[2] ?? "True");
  const jsonPath = /^jsonpath='?\{(.+)\}'?(?:=(.*))?$/.exec(expression);
  if (jsonPath?.[1] !== undefined) return jsonPathRule(jsonPath[1], jsonPath[2]);
  throw new Error(
    `pulumi.com/waitFor: expected jsonpath={PATH}[=VALUE] or condition=TYPE[=STATUS], got "${expression}"`,
  );
}

function conditionRule(type: string, status: string): ObjectVerdict {
  return (object) => {
    const found = listAt(object, "status", "conditions").find(
      (condition) => textAt(condition, "type").toLowerCase() === type.toLowerCase(),
    );
    if (found === undefined) return wait(`Waiting for condition ${type}=${status}`);
    const generation = numberAt(object, "metadata", "generation") ?? 0;
    const observed =
      numberAt(found, "observedGeneration") ?? numberAt(object, "status", "observedGeneration");
    if (observed !== undefined && observed < generation) {
      return wait(`Generation ${observed} is less than expected ${generation}`);
    }
    const actual = textAt(found, "status");
    if (actual.toLowerCase() === status.toLowerCase()) return ready;
    const words = [textAt(found, "reason"), textAt(found, "message")].filter(Boolean).join(": ");
    return wait(`Resource has condition ${type}=${actual} (want ${status}) ${words}`.trimEnd());
  };
}

function jsonPathRule(path: string, value: string | undefined): ObjectVerdict {
  const steps = parseJsonPath(path);
  const goal = `jsonpath={${path}}${value === undefined ? "" : `=${value}`}`;
  return (object) => {
    const found = findJsonPath(steps, object);
    if (found.length > 1) return wait(`Waiting for ${goal}, which matches ${found.length} values`);
    if (found.length === 0) return wait(`Waiting for ${goal}`);
    const actual = String(found[0]);
    if (value === undefined || actual === value) return ready;
    return wait(`Waiting for ${goal} (found "${actual}")`);
  };
}

function wait(message: string): Verdict {
  return waiting(message, [message]);
}
