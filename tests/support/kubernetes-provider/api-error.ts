import { type Fields, isFields, listAt, textAt } from "./kubernetes-object.ts";

/** The API server refused a request. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status. */
  readonly code: number;
  /** `AlreadyExists`, `NotFound`, `Conflict`, … */
  readonly reason: string;
  readonly #status: Fields;

  constructor(code: number, status: unknown) {
    const fields = isFields(status) ? status : {};
    super(textAt(fields, "message") || `the API server answered ${code}`);
    this.code = code;
    this.reason = textAt(fields, "reason");
    this.#status = fields;
  }

  /** Whether what is missing is the namespace, not the object. */
  get isNamespaceMissing(): boolean {
    return this.code === 404 && textAt(this.#status, "details", "kind") === "namespaces";
  }

  /** Whether it is about a field that cannot be changed. */
  get isImmutableField(): boolean {
    return this.reason === "Invalid" && /field is immutable/.test(this.message);
  }

  /** Whether an apply would have taken fields from another manager. */
  get isFieldConflict(): boolean {
    return (
      this.reason === "Conflict" &&
      listAt(this.#status, "details", "causes").some(
        (cause) => cause["reason"] === "FieldManagerConflict",
      )
    );
  }
}

/** No such kind is served: most often its CustomResourceDefinition is missing. */
export class NoMatchError extends Error {
  override readonly name = "NoMatchError";

  constructor(apiVersion: string, kind: string) {
    super(`no matches for kind "${kind}" in version "${apiVersion}"`);
  }
}
