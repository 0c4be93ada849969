/** Plain data, as it crosses the wire between the engine and a provider. */
export type Properties = Readonly<Record<string, unknown>>;

/**
 * One resource type of this provider. Inputs are parsed by the type itself; the state is the inputs and
 * whatever `create` adds.
 */
export interface LocalResource {
  /** Names of the inputs that a change of which cannot be made in place. */
  readonly replaceOn: readonly string[];
  /** Names of all inputs. */
  readonly inputNames: readonly string[];
  /** True when an update is needed though no input changed. Inputs may hold unknown values in a preview. */
  differs?(inputs: Properties): boolean;
  /** Makes it, or finds what a crashed `create` of the same made. Leaves nothing behind when it rejects. */
  create(
    inputs: Properties,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly state: Properties }>;
  /** What is really there now; null when it is gone. */
  read(id: string, state: Properties): Promise<Properties | null>;
  update(
    id: string,
    state: Properties,
    inputs: Properties,
    signal: AbortSignal,
  ): Promise<Properties>;
  /** Removes it; it being gone already is fine. */
  delete(id: string, state: Properties): Promise<void>;
}
