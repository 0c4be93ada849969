import { UserError } from "../errors.ts";

export type PrometheusCredentials =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly user: string; readonly password: string };

/**
 * Credentials for Prometheus from the environment, so that they stand in no file and no stack:
 * `UPRAMP_PROMETHEUS_TOKEN` (bearer), or `UPRAMP_PROMETHEUS_USER` and `UPRAMP_PROMETHEUS_PASSWORD` (basic).
 * Undefined when none is set; throws a UserError when they contradict each other.
 */
export function credentialsFromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): PrometheusCredentials | undefined {
  const token = written(environment["UPRAMP_PROMETHEUS_TOKEN"]);
  const user = written(environment["UPRAMP_PROMETHEUS_USER"]);
  const password = written(environment["UPRAMP_PROMETHEUS_PASSWORD"]);
  if (token !== undefined && (user ?? password) !== undefined) {
    throw new UserError(
      "UPRAMP_PROMETHEUS_TOKEN is set together with UPRAMP_PROMETHEUS_USER or _PASSWORD; unset one of the two ways",
    );
  }
  if (token !== undefined) return { kind: "bearer", token };
  if (user === undefined && password === undefined) return undefined;
  if (user === undefined || password === undefined) {
    const missing = user === undefined ? "USER" : "PASSWORD";
    throw new UserError(
      `UPRAMP_PROMETHEUS_${missing} is not set; basic authentication needs user and password`,
    );
  }
  return { kind: "basic", user, password };
}

function written(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}
