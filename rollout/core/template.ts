import { otherSlot, type Slot } from "./assignment.ts";
import type { MetricSpec } from "./spec.ts";
import { isResting, newSlot, type RolloutState } from "./state.ts";

/** What a router brings to metric templates. */
export interface RouterQueries {
  /** Built-in templates by metric name. */
  readonly queries: Readonly<Record<string, string>>;
  /** Values of `{{ NAME }}` that differ per slot, such as Envoy's cluster. */
  readonly variables: Readonly<Record<Slot, Readonly<Record<string, string>>>>;
}

/** Why a template gives no query. All of them are the user's to mend, in the metric's `query` or `variables`. */
export type TemplateError =
  /** The metric has no query of its own, and the router has no built-in one of that name. */
  | { readonly kind: "noTemplate"; readonly metric: string; readonly known: readonly string[] }
  | {
      readonly kind: "unknownVariable";
      readonly metric: string;
      readonly variable: string;
      readonly known: readonly string[];
    }
  /** `{{` without `}}` or the other way round; `near` is the text that begins there. */
  | { readonly kind: "unbalancedBraces"; readonly metric: string; readonly near: string };

export type RenderedQuery =
  | { readonly kind: "query"; readonly query: string }
  | { readonly kind: "error"; readonly error: TemplateError; readonly message: string };

/**
 * The text to ask for one metric now, about the slot that is judged: the one that the rollout's new
 * revision is in, or at rest the primary. Variables: docs/architecture.md, "Add a metric".
 */
export function renderQuery(
  metric: MetricSpec,
  router: RouterQueries,
  service: string,
  state: RolloutState,
  now: number,
): RenderedQuery {
  const template = metric.query ?? own(router.queries, metric.name);
  if (template === undefined) {
    const known = Object.keys(router.queries).toSorted();
    return failed({ kind: "noTemplate", metric: metric.name, known });
  }
  return fill(metric.name, template, queryVariables(metric, router, service, state, now));
}

/** Everything a template of this metric may name, with its value now. */
export function queryVariables(
  metric: MetricSpec,
  router: RouterQueries,
  service: string,
  state: RolloutState,
  now: number,
): Readonly<Record<string, string>> {
  const judged = isResting(state) ? state.assignment.primary : newSlot(state.rollout);
  // at rest there is no canary: "primary." then names the judged slot itself
  const reference = isResting(state) ? judged : otherSlot(judged);
  const window = durationText(windowFor(metric, state, now));
  return {
    ...slotVariables(router, service, judged),
    ...prefixed("primary.", slotVariables(router, service, reference)),
    ...prefixed("variables.", metric.variables),
    service,
    window,
    // what Flagger's users call it
    interval: window,
  };
}

function slotVariables(
  router: RouterQueries,
  service: string,
  slot: Slot,
): Readonly<Record<string, string>> {
  return { target: `${service}-${slot}`, ...router.variables[slot], slot };
}

function prefixed(
  prefix: string,
  values: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [prefix + key, value]));
}

const windowMinMs = 1_000;

/**
 * How far back a query about this state may look, in ms, whole seconds: the metric's window, cut to the
 * time since the router acknowledged the split, so that no request under another split counts. Never under a second,
 * the shortest that has a whole number; at rest, the metric's window as it is.
 */
export function windowFor(metric: MetricSpec, state: RolloutState, now: number): number {
  const age = isResting(state) ? metric.windowMs : now - (state.confirmedAt ?? now);
  const whole = Math.floor(Math.min(metric.windowMs, age) / 1_000) * 1_000;
  return Math.max(windowMinMs, whole);
}

/** Milliseconds as Prometheus writes a duration; whole seconds. */
export function durationText(ms: number): string {
  return `${Math.floor(ms / 1_000)}s`;
}

/** Puts values in the place of `{{ name }}`. Text in values is not looked at again. */
export function fill(
  metric: string,
  template: string,
  variables: Readonly<Record<string, string>>,
): RenderedQuery {
  let query = "";
  let rest = template;
  for (;;) {
    const open = rest.indexOf("{{");
    const close = rest.indexOf("}}");
    if (open < 0 && close < 0) return { kind: "query", query: query + rest };
    if (open < 0 || close < open) {
      // the first one that has no partner
      const lone = close < 0 ? open : close;
      return failed({ kind: "unbalancedBraces", metric, near: excerpt(rest.slice(lone)) });
    }
    const variable = rest.slice(open + 2, close).trim();
    if (variable.includes("{{")) {
      return failed({ kind: "unbalancedBraces", metric, near: excerpt(rest.slice(open)) });
    }
    const value = own(variables, variable);
    if (value === undefined) {
      const known = Object.keys(variables).toSorted();
      return failed({ kind: "unknownVariable", metric, variable, known });
    }
    query += rest.slice(0, open) + value;
    rest = rest.slice(close + 2);
  }
}

function failed(error: TemplateError): RenderedQuery {
  return { kind: "error", error, message: templateMessage(error) };
}

function templateMessage(error: TemplateError): string {
  switch (error.kind) {
    case "noTemplate":
      return (
        `metric "${error.metric}" has no query and is not one of the built-in ones` +
        ` (${error.known.join(", ") || "none"}); give it a query`
      );
    case "unknownVariable":
      return (
        `metric "${error.metric}": {{ ${error.variable} }} is not a variable;` +
        ` there are ${error.known.join(", ")}`
      );
    case "unbalancedBraces":
      return `metric "${error.metric}": "{{" and "}}" do not pair up near "${error.near}"`;
  }
}

const excerptMax = 30;

function excerpt(text: string): string {
  return text.slice(0, excerptMax);
}

function own(values: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}
