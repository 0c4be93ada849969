import { main } from "@pulumi/pulumi/provider/index.js";
import type { Provider } from "@pulumi/pulumi/provider/index.js";
import { destroyGuardResource } from "./destroy-guard-resource.ts";
import { directoryResource } from "./directory-resource.ts";
import { fileResource } from "./file-resource.ts";
import type { LocalResource, Properties } from "./local-resource.ts";
import { processResource } from "./process-resource.ts";
import { processSetResource } from "./process-set-resource.ts";
import { routeResource } from "./route-resource.ts";
import { xdsEntryResource } from "./xds-entry-resource.ts";

/**
 * The Pulumi provider `upramp`: processes and files of this machine, for target `local`. The engine starts
 * it, or a driver starts it once and attaches each update to it. It imports as little as it can: its start
 * is part of every plain update.
 */

const resources: ReadonlyMap<string, LocalResource> = new Map([
  ["upramp:local:DestroyGuard", destroyGuardResource],
  ["upramp:local:Directory", directoryResource],
  ["upramp:local:File", fileResource],
  ["upramp:local:Process", processResource],
  ["upramp:local:ProcessSet", processSetResource],
  ["upramp:local:Route", routeResource],
  ["upramp:local:XdsEntry", xdsEntryResource],
]);

/** The type stands in the third part of a URN, after the types of the parents. */
function resourceOf(urn: string): LocalResource {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const resource = resources.get(type);
  if (resource === undefined) throw new Error(`provider upramp has no resource type "${type}"`);
  return resource;
}

/** Ends the waits of the update that was canceled; the next update gets a new one. */
let canceling = new AbortController();

function changedInputs(resource: LocalResource, state: Properties, inputs: Properties): string[] {
  return resource.inputNames.filter((name) => !sameJson(state[name], inputs[name]));
}

function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => sameJson(Reflect.get(a, key), Reflect.get(b, key)))
  );
}

function onlyInputs(resource: LocalResource, state: Properties): Properties {
  return Object.fromEntries(
    Object.entries(state).filter(([name]) => resource.inputNames.includes(name)),
  );
}

const provider: Provider = {
  version: "0.1.0",
  schema: JSON.stringify({ name: "upramp", version: "0.1.0" }),

  diff(_id, urn, state: Properties, inputs: Properties) {
    const resource = resourceOf(urn);
    const changed = changedInputs(resource, state, inputs);
    const replaces = changed.filter((name) => resource.replaceOn.includes(name));
    return Promise.resolve({
      changes: changed.length > 0 || resource.differs?.(inputs) === true,
      replaces,
      // the old one holds the name and the port
      deleteBeforeReplace: true,
    });
  },

  async create(urn, inputs: Properties) {
    const { id, state } = await resourceOf(urn).create(inputs, canceling.signal);
    return { id, outs: state };
  },

  async read(id, urn, props: Properties) {
    const resource = resourceOf(urn);
    const state = await resource.read(id, props);
    if (state === null) return { id: "", props: {} };
    return { id, props: state, inputs: onlyInputs(resource, state) };
  },

  async update(id, urn, state: Properties, inputs: Properties) {
    return { outs: await resourceOf(urn).update(id, state, inputs, canceling.signal) };
  },

  async delete(id, urn, state: Properties) {
    await resourceOf(urn).delete(id, state);
  },

  cancel() {
    canceling.abort();
    canceling = new AbortController();
    return Promise.resolve();
  },
};

/**
 * Set by a driver that keeps this process for many updates and holds its standard input open: the end of
 * that input is the end of the driver, however it died.
 */
if (process.env["UPRAMP_PROVIDER_UNTIL"] === "stdin") {
  process.stdin.resume();
  process.stdin.once("end", () => {
    process.exit(0);
  });
}

await main(provider, process.argv.slice(2));
