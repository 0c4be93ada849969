import ts from "typescript";
import type { NamedType, Scope } from "./declarations.ts";

/** What a value may be, as far as a package's declarations say. */
export type Shape =
  | { readonly kind: "any" | "string" | "number" | "boolean" | "asset" }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "list"; readonly item: Shape }
  | { readonly kind: "map"; readonly value: Shape }
  | { readonly kind: "resource"; readonly name: string }
  | { readonly kind: "union"; readonly options: readonly Shape[] }
  | ObjectShape;

/** One property of an object. */
export interface Field {
  readonly isOptional: boolean;
  readonly shape: Shape;
}

/** An object with known properties; they are read when they are first asked for, as types name themselves. */
export class ObjectShape {
  readonly kind = "object";
  readonly name: string;
  readonly #read: () => Members;
  #members: Members | undefined;

  constructor(name: string, read: () => Members) {
    this.name = name;
    this.#read = read;
  }

  get fields(): ReadonlyMap<string, Field> {
    return (this.#members ??= this.#read()).fields;
  }

  /** What properties of any other name are; undefined when there may be none. */
  get others(): Shape | undefined {
    return (this.#members ??= this.#read()).others;
  }
}

interface Members {
  readonly fields: ReadonlyMap<string, Field>;
  readonly others: Shape | undefined;
}

const any: Shape = { kind: "any" };
const scalars = new Map<ts.SyntaxKind, "string" | "number" | "boolean">([
  [ts.SyntaxKind.StringKeyword, "string"],
  [ts.SyntaxKind.NumberKeyword, "number"],
  [ts.SyntaxKind.BooleanKeyword, "boolean"],
]);
const shapes = new Map<NamedType["statement"], Shape>();

/** The shape of a named type: an interface's or a class's properties, or what an alias stands for. */
export function shapeOfNamed({ statement, scope }: NamedType): Shape {
  const known = shapes.get(statement);
  if (known !== undefined) return known;
  const name = statement.name?.text ?? "";
  const shape = ts.isTypeAliasDeclaration(statement)
    ? shapeOf(statement.type, scope)
    : ts.isClassDeclaration(statement)
      ? ({ kind: "resource", name } as const)
      : objectShape(name, statement, scope);
  shapes.set(statement, shape);
  return shape;
}

/** The properties of a class, which are what a resource puts out. */
export function outputsShape({ statement, scope }: NamedType): ObjectShape | undefined {
  if (!ts.isClassDeclaration(statement)) return undefined;
  const { members, name } = statement;
  return new ObjectShape(name?.text ?? "", () => ({
    fields: new Map(
      members.flatMap((member): [string, Field][] => {
        if (!ts.isPropertyDeclaration(member) || member.type === undefined) return [];
        if (member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)) return [];
        if (member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return [];
        return [[nameOf(member.name), fieldOf(member.type, false, scope)]];
      }),
    ),
    others: undefined,
  }));
}

function objectShape(
  name: string,
  node: ts.InterfaceDeclaration | ts.TypeLiteralNode,
  scope: Scope,
): ObjectShape {
  return new ObjectShape(name, () => {
    const fields = new Map<string, Field>();
    let others: Shape | undefined;
    for (const member of node.members) {
      if (ts.isPropertySignature(member) && member.type !== undefined) {
        const isOptional = member.questionToken !== undefined;
        fields.set(nameOf(member.name), fieldOf(member.type, isOptional, scope));
      } else if (ts.isIndexSignatureDeclaration(member)) {
        others = shapeOf(member.type, scope);
      }
    }
    return { fields, others };
  });
}

function fieldOf(type: ts.TypeNode, isOptional: boolean, scope: Scope): Field {
  return { isOptional: isOptional || mayBeUndefined(type), shape: shapeOf(type, scope) };
}

function shapeOf(node: ts.TypeNode, scope: Scope): Shape {
  if (ts.isParenthesizedTypeNode(node)) return shapeOf(node.type, scope);
  if (ts.isTypeOperatorNode(node)) return shapeOf(node.type, scope);
  if (ts.isArrayTypeNode(node)) return { kind: "list", item: shapeOf(node.elementType, scope) };
  if (ts.isUnionTypeNode(node)) return unionOf(node.types, scope);
  if (ts.isLiteralTypeNode(node)) return literalOf(node.literal);
  if (ts.isTypeLiteralNode(node)) return mapOrObject(node, scope);
  if (ts.isIndexedAccessTypeNode(node)) return valuesOfConstant(node, scope);
  if (ts.isImportTypeNode(node)) return imported(node, scope);
  if (ts.isTypeReferenceNode(node)) return referenced(node, scope);
  const scalar = scalars.get(node.kind);
  return scalar === undefined ? any : { kind: scalar };
}

function unionOf(types: readonly ts.TypeNode[], scope: Scope): Shape {
  const options = types
    .filter((type) => !isUndefined(type))
    .map((type) => shapeOf(type, scope))
    .flatMap((shape) => (shape.kind === "union" ? shape.options : [shape]));
  const [only] = options;
  if (only === undefined) return any;
  return options.length === 1 ? only : { kind: "union", options };
}

function literalOf(literal: ts.LiteralTypeNode["literal"]): Shape {
  if (ts.isStringLiteral(literal)) return { kind: "literal", value: literal.text };
  if (ts.isNumericLiteral(literal)) return { kind: "literal", value: Number(literal.text) };
  if (literal.kind === ts.SyntaxKind.TrueKeyword) return { kind: "literal", value: true };
  if (literal.kind === ts.SyntaxKind.FalseKeyword) return { kind: "literal", value: false };
  return any;
}

function mapOrObject(node: ts.TypeLiteralNode, scope: Scope): Shape {
  const [only, ...more] = node.members;
  if (only !== undefined && more.length === 0 && ts.isIndexSignatureDeclaration(only)) {
    return { kind: "map", value: shapeOf(only.type, scope) };
  }
  return objectShape("", node, scope);
}

/** `(typeof Level)[keyof typeof Level]`: how the packages spell an enum. */
function valuesOfConstant(node: ts.IndexedAccessTypeNode, scope: Scope): Shape {
  const object = ts.isParenthesizedTypeNode(node.objectType)
    ? node.objectType.type
    : node.objectType;
  if (!ts.isTypeQueryNode(object)) return any;
  const values = scope.constant(namesOf(object.exprName).join("."));
  if (values === undefined || !ts.isTypeLiteralNode(values)) return any;
  const types = values.members.flatMap((member) =>
    ts.isPropertySignature(member) && member.type !== undefined ? [member.type] : [],
  );
  return unionOf(types, scope);
}

function imported(node: ts.ImportTypeNode, scope: Scope): Shape {
  const { argument, qualifier } = node;
  if (!ts.isLiteralTypeNode(argument) || !ts.isStringLiteral(argument.literal)) return any;
  if (qualifier === undefined) return any;
  const found = scope.file(argument.literal.text)?.type(namesOf(qualifier));
  return found === undefined ? any : shapeOfNamed(found);
}

function referenced(node: ts.TypeReferenceNode, scope: Scope): Shape {
  const names = namesOf(node.typeName);
  const [first = "", ...rest] = names;
  const [argument, second] = node.typeArguments ?? [];
  if (scope.isSdk(first)) {
    const name = rest.join(".");
    if ((name === "Input" || name === "Output") && argument !== undefined) {
      return shapeOf(argument, scope);
    }
    if (name === "ID" || name === "URN") return { kind: "string" };
    return name.startsWith("asset.") ? { kind: "asset" } : any;
  }
  const found = scope.type(names);
  if (found !== undefined) return shapeOfNamed(found);
  if (argument === undefined) return any;
  if (first === "Record" && second !== undefined) {
    return { kind: "map", value: shapeOf(second, scope) };
  }
  if (first === "Array" || first === "ReadonlyArray") {
    return { kind: "list", item: shapeOf(argument, scope) };
  }
  return any;
}

/** Whether a property of this type may be left out: `T | undefined`, also inside Input and Output. */
function mayBeUndefined(node: ts.TypeNode): boolean {
  if (ts.isUnionTypeNode(node)) return node.types.some(isUndefined);
  if (!ts.isTypeReferenceNode(node)) return false;
  const isWrapper = /^(Input|Output)$/.test(namesOf(node.typeName).at(-1) ?? "");
  return isWrapper && (node.typeArguments?.some(mayBeUndefined) ?? false);
}

function isUndefined(node: ts.TypeNode): boolean {
  return node.kind === ts.SyntaxKind.UndefinedKeyword;
}

function namesOf(name: ts.EntityName): string[] {
  return ts.isIdentifier(name) ? [name.text] : [...namesOf(name.left), name.right.text];
}

function nameOf(name: ts.PropertyName): string {
  return ts.isIdentifier(name) || ts.isStringLiteral(name) ? name.text : "";
}
