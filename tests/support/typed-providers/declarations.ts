import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

/** A type by its name, with the names that its own words are looked up in. */
export interface NamedType {
  readonly statement: ts.InterfaceDeclaration | ts.ClassDeclaration | ts.TypeAliasDeclaration;
  readonly scope: Scope;
}

/** Where a name comes from that a file imports. */
interface Import {
  readonly specifier: string;
  /** The name in that file; undefined for the file as a whole. */
  readonly name: string | undefined;
}

const files = new Map<string, Scope>();
const resolve = createRequire(import.meta.url).resolve;

/** Folder of an installed package. */
export function packageFolder(name: string): string {
  return dirname(resolve(`${name}/package.json`));
}

/**
 * The declarations of a file, read by their syntax alone and once a process.
 *
 * @throws Error when the file cannot be read
 */
export function declarationsOf(path: string): Scope {
  const known = files.get(path);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(path, readFileSync(path, "utf8"), {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });
  const scope = new Scope(path, source.statements, undefined);
  files.set(path, scope);
  return scope;
}

/** A file or a namespace in it, and the names that can be said there. */
export class Scope {
  readonly path: string;
  readonly #outer: Scope | undefined;
  readonly #types = new Map<string, NamedType["statement"]>();
  readonly #constants = new Map<string, ts.TypeNode>();
  readonly #namespaces = new Map<string, Scope>();
  readonly #imports = new Map<string, Import>();
  /** Files of which everything is exported anew. */
  readonly #wholes: string[] = [];

  constructor(path: string, statements: readonly ts.Statement[], outer: Scope | undefined) {
    this.path = path;
    this.#outer = outer;
    for (const statement of statements) this.#add(statement);
  }

  /** The type that `inputs.meta.v1.ObjectMeta` means here, by the parts of the name. */
  type(names: readonly string[]): NamedType | undefined {
    const [first, ...rest] = names;
    if (first === undefined) return undefined;
    if (rest.length > 0) return this.#namespace(first)?.type(rest);
    const statement = this.#types.get(first);
    if (statement !== undefined) return { statement, scope: this };
    const imported = this.#imports.get(first);
    if (imported?.name !== undefined) {
      return this.file(imported.specifier)?.type([imported.name]);
    }
    return this.#inWholes((file) => file.type(names)) ?? this.#outer?.type(names);
  }

  /** The type of a constant, such as the object of an enum's values. */
  constant(name: string): ts.TypeNode | undefined {
    return this.#constants.get(name) ?? this.#outer?.constant(name);
  }

  /** What an import here means; undefined for a file that declares nothing to check against. */
  file(specifier: string): Scope | undefined {
    const path = specifier.startsWith(".")
      ? join(dirname(this.path), specifier)
      : join(packageFolder(specifier), "index");
    const found = [`${path}.d.ts`, join(path, "index.d.ts")].find((file) => existsSync(file));
    return found === undefined ? undefined : declarationsOf(found);
  }

  /** Whether the name's first part stands for the SDK itself, as in `pulumi.Input`. */
  isSdk(name: string): boolean {
    const imported = this.#imports.get(name);
    if (imported === undefined) return this.#outer?.isSdk(name) ?? false;
    return imported.name === undefined && imported.specifier === "@pulumi/pulumi";
  }

  #namespace(name: string): Scope | undefined {
    const own = this.#namespaces.get(name);
    if (own !== undefined) return own;
    const imported = this.#imports.get(name);
    const place = imported === undefined ? this.#outer : this.file(imported.specifier);
    if (place === undefined || (imported !== undefined && imported.name === undefined))
      return place;
    return place.#namespace(imported?.name ?? name);
  }

  #inWholes<Found>(find: (file: Scope) => Found | undefined): Found | undefined {
    for (const specifier of this.#wholes) {
      const file = this.file(specifier);
      const found = file === undefined ? undefined : find(file);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #add(statement: ts.Statement): void {
    if (
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      (ts.isClassDeclaration(statement) && statement.name !== undefined)
    ) {
      this.#types.set(statement.name?.text ?? "", statement);
    } else if (ts.isModuleDeclaration(statement)) {
      this.#addNamespace(statement);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name, type } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name) && type !== undefined) this.#constants.set(name.text, type);
      }
    } else if (ts.isImportDeclaration(statement)) {
      this.#addImports(textOf(statement.moduleSpecifier), statement.importClause?.namedBindings);
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const specifier = textOf(statement.moduleSpecifier);
      if (statement.exportClause === undefined) this.#wholes.push(specifier);
      else this.#addImports(specifier, statement.exportClause);
    }
  }

  #addNamespace({ name, body }: ts.ModuleDeclaration): void {
    if (body === undefined || !ts.isModuleBlock(body)) return;
    this.#namespaces.set(name.text, new Scope(this.path, body.statements, this));
  }

  #addImports(
    specifier: string,
    bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined,
  ): void {
    if (bindings === undefined) return;
    if (ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) {
      this.#imports.set(bindings.name.text, { specifier, name: undefined });
      return;
    }
    for (const { name, propertyName } of bindings.elements) {
      this.#imports.set(name.text, { specifier, name: (propertyName ?? name).text });
    }
  }
}

function textOf(specifier: ts.Expression): string {
  return ts.isStringLiteral(specifier) ? specifier.text : "";
}
