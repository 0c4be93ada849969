/** A resource of Envoy, or a part of one, as JSON. */
export type EnvoyObject = Readonly<Record<string, unknown>>;
