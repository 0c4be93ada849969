import { type Fields, isFields } from "./kubernetes-object.ts";
import { Struct } from "./pulumi-wire.ts";
import type { Struct as StructMessage } from "./pulumi-wire.ts";

/** A value that is only known once something else was created; occurs in previews. */
export const unknownValue: unique symbol = Symbol("unknown");

/** A value that the engine encrypts in the state. */
export class Secret {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** An asset, an archive or a reference to a resource, as the engine's protocol writes it. */
export class Marked {
  readonly kind: "asset" | "archive" | "resource";
  readonly fields: Fields;

  constructor(kind: Marked["kind"], fields: Fields) {
    this.kind = kind;
    this.fields = fields;
  }
}

// The marks of the engine's protocol (sdk/go/common/resource/sig).
const unknownMark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const markedSignatures: Readonly<Record<Marked["kind"], string>> = {
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  resource: "5cf8f73096256a8f31e491e813e4eb8e",
};

/** Keys of CustomResourceDefinitions that the SDK spells with underscores. */
const schemaExtension = /^x_kubernetes_[a-z_]+$/;
const dashedSchemaExtension = /^x-kubernetes-[a-z-]+$/;

/**
 * A property bag as plain JSON with {@link Secret} and {@link unknownValue} in it. Nulls in objects are
 * dropped.
 *
 * @throws Error for a value that no Kubernetes object can hold (asset, archive, resource)
 */
export function decode(struct: StructMessage | undefined): Fields {
  return decodeBag(struct, () => {
    throw new Error(
      "an asset, an archive or a resource was given where a Kubernetes object has a plain value",
    );
  });
}

/** As {@link decode}, with {@link Marked} in it as well. */
export function decodeMarked(struct: StructMessage | undefined): Fields {
  return decodeBag(struct, (marked) => marked);
}

function decodeBag(
  struct: StructMessage | undefined,
  decodeMark: (marked: Marked) => unknown,
): Fields {
  const decodeValue = (value: unknown): unknown => {
    if (value === unknownMark) return unknownValue;
    if (Array.isArray(value)) return value.map(decodeValue);
    if (!isFields(value)) return value;
    const { [signatureKey]: signature, ...fields } = value;
    if (signature === undefined) return mapFields(value, (key) => key, decodeValue);
    if (signature === secretSignature) return new Secret(decodeValue(fields["value"]));
    return decodeMark(new Marked(markedKind(signature), fields));
  };
  const decoded = struct === undefined ? {} : decodeValue(struct.toJavaScript());
  if (!isFields(decoded)) throw new Error("a property bag must be an object");
  return decoded;
}

function markedKind(signature: unknown): Marked["kind"] {
  for (const kind of ["asset", "archive", "resource"] as const) {
    if (markedSignatures[kind] === signature) return kind;
  }
  throw new Error(`a value has the mark ${String(signature)}, which this stand-in does not know`);
}

/** The opposite of {@link decode}. */
export function encode(fields: Fields): StructMessage {
  const encoded = encodeValue(fields);
  if (!isFields(encoded)) throw new Error("a property bag must be an object");
  return Struct.fromJavaScript(encoded);
}

function encodeValue(value: unknown): unknown {
  if (value === unknownValue) return unknownMark;
  if (value instanceof Secret) {
    return { [signatureKey]: secretSignature, value: encodeValue(value.value) };
  }
  if (value instanceof Marked) {
    return { [signatureKey]: markedSignatures[value.kind], ...value.fields };
  }
  if (Array.isArray(value)) return value.map(encodeValue);
  return isFields(value) ? mapFields(value, (key) => key, encodeValue) : value;
}

/** What the API server is told: secrets revealed, schema extensions with dashes. */
export function reveal(fields: Fields): Fields {
  const revealed = revealValue(fields);
  return isFields(revealed) ? revealed : {};
}

function revealValue(value: unknown): unknown {
  if (value instanceof Secret) return revealValue(value.value);
  if (Array.isArray(value)) return value.map(revealValue);
  if (!isFields(value)) return value;
  const spell = (key: string): string =>
    schemaExtension.test(key) ? key.replaceAll("_", "-") : key;
  return mapFields(value, spell, revealValue);
}

/**
 * What the program is told: secret where the program's inputs were, schema extensions with
 * underscores. An object is followed into; an array that holds a secret is secret as a whole.
 */
export function conceal(outputs: Fields, inputs: Fields): Fields {
  const spell = (key: string): string =>
    dashedSchemaExtension.test(key) ? key.replaceAll("-", "_") : key;
  return Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [spell(key), concealValue(value, inputs[key])]),
  );
}

function concealValue(output: unknown, input: unknown): unknown {
  if (isFields(output)) {
    const concealed = conceal(output, isFields(input) ? input : {});
    return !isFields(input) && hasSecret(input) ? new Secret(concealed) : concealed;
  }
  if (hasSecret(input)) return new Secret(output);
  return Array.isArray(output)
    ? output.map((item: unknown) => (isFields(item) ? conceal(item, {}) : item))
    : output;
}

/** Whether a secret is anywhere in the value. */
export function hasSecret(value: unknown): boolean {
  return someValue(value, (part) => part instanceof Secret);
}

/** Whether an unknown is anywhere in the value. */
export function hasUnknown(value: unknown): boolean {
  return someValue(value, (part) => part === unknownValue);
}

function someValue(value: unknown, test: (part: unknown) => boolean): boolean {
  if (test(value)) return true;
  if (value instanceof Secret) return someValue(value.value, test);
  if (Array.isArray(value)) return value.some((item) => someValue(item, test));
  return isFields(value) && Object.values(value).some((item) => someValue(item, test));
}

function mapFields(
  fields: Fields,
  spell: (key: string) => string,
  map: (value: unknown) => unknown,
): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) =>
      value === null || value === undefined ? [] : [[spell(key), map(value)]],
    ),
  );
}
