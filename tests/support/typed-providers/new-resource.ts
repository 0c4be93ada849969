/** A resource as a provider is asked for it. */
export interface NewResource {
  readonly urn: string;
  /** As in `aws:ec2/vpc:Vpc`. */
  readonly token: string;
  /** Its name in the program. */
  readonly name: string;
  /** Its inputs, with nothing secret or unknown in them any more. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The provider's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** What the packages' own logic adds to a new resource. */
export interface Identity {
  readonly id: string;
  /** The value of an output that nobody gave; undefined leaves it to the output's type. */
  make(path: readonly string[]): unknown;
}
