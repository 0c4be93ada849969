import { z } from "zod";
import { ContractError, parse, revisionId } from "../contract.ts";
import type { Revision } from "../contract.ts";
import { podTemplateSchema, workloadContentSchema } from "../kubernetes-contract.ts";
import type { PodTemplate, WorkloadContent } from "../kubernetes-contract.ts";
import { without } from "./object-path.ts";
import { templateOfFile } from "./workload-manifest.ts";

const text = z
  .union([z.string(), z.number(), z.boolean()], "is not a text, a number, true or false")
  .transform(String);

const texts = z.array(text);

const environment = z.record(z.string(), text).superRefine((variables, context) => {
  for (const name of Object.keys(variables)) {
    if (/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name)) continue;
    const message = "is not a variable name: use letters, digits, _, - and ., no digit first";
    context.addIssue({ code: "custom", path: [name], message });
  }
});

/** What runs in a container; the registry is the judge of the rest. */
export const imageSchema = z
  .string()
  .regex(
    /^[\w.-]+([/:@][\w.-]+)*$/,
    "is no image; write it as `kubectl set image` takes it, such as ghcr.io/stefanprodan/podinfo:6.9.2",
  );

const anyObject = z.looseObject({});

/** One container, in few words. */
const shortForm = strict({
  name: z.string().min(1).optional(),
  image: imageSchema,
  command: texts.optional(),
  args: texts.optional(),
  env: environment.default({}),
  /** Port that the container listens at; named `http`. */
  port: z.int().min(1).max(65_535).optional(),
  /** Path of the readiness probe; none without one. */
  readiness: z.string().startsWith("/").optional(),
  livenessProbe: anyObject.optional(),
  resources: anyObject.optional(),
  serviceAccount: z.string().min(1).optional(),
  /** Names of ConfigMaps and Secrets whose keys become variables. */
  configMaps: z.array(z.string().min(1)).default([]),
  secrets: z.array(z.string().min(1)).default([]),
}).refine(({ readiness, port }) => readiness === undefined || port !== undefined, {
  path: ["readiness"],
  message: "needs port: the one that it asks at",
});

const templateForm = strict({ name: z.string().min(1).optional(), template: podTemplateSchema });

const manifestForm = strict({
  name: z.string().min(1).optional(),
  /** File with a Deployment, DaemonSet or PodTemplate, relative to the project. */
  manifest: z.string().min(1),
  /** Replaces the image of the first container. */
  image: imageSchema.optional(),
});

/** An object without other fields; the error about one says which there are. */
function strict<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `${issue.keys.join(", ")} is not known here; there are ${Object.keys(shape).join(", ")}`
        : undefined,
  });
}

/** What a revision says of its pods, before the content of its configuration is known. */
export interface Workload {
  readonly name: string | undefined;
  readonly template: PodTemplate;
}

/**
 * A workload as written: `{template}`, a pod template as in a Deployment; `{manifest, image?}`, a file with a
 * Deployment or DaemonSet; or the short form `{image, command?, args?, env?, port?, readiness?, …}` of one
 * container. Throws ContractError with the place.
 */
export function parseWorkload(data: unknown, place: string, directory: string): Workload {
  if (data === undefined || data === null) {
    throw new ContractError(
      `${place} is not set: write the image to run, as {image: …}, a pod template, as {template: …}, ` +
        "or the file that has one, as {manifest: …}",
    );
  }
  if (typeof data !== "object" || Array.isArray(data)) {
    const example = '{image: "ghcr.io/stefanprodan/podinfo:6.9.2", port: 9898}';
    throw new ContractError(
      `${place} = ${JSON.stringify(data)}: is no object; write one such as ${example}`,
    );
  }
  if ("template" in data) {
    const { name, template } = parse(templateForm, data, place);
    return { name, template };
  }
  if ("manifest" in data) return manifestWorkload(data, place, directory);
  if ("image" in data) {
    const short = parse(shortForm, data, place);
    return { name: short.name, template: templateOf(short) };
  }
  throw new ContractError(
    `${place} has neither image nor template nor manifest: it needs one of them to say what runs`,
  );
}

function manifestWorkload(data: object, place: string, directory: string): Workload {
  const found = parse(manifestForm, data, place);
  const template = templateOfFile(found.manifest, `${place}.manifest`, directory);
  return {
    name: found.name,
    template: found.image === undefined ? template : withImage(template, found.image),
  };
}

/** The template with another image in its first container. */
export function withImage(template: PodTemplate, newImage: string): PodTemplate {
  const [first, ...others] = template.spec.containers;
  // the schema asks for one container at least
  if (first === undefined) return template;
  const containers = [{ ...first, image: newImage }, ...others];
  return { ...template, spec: { ...template.spec, containers } };
}

/**
 * The revision of a workload. Its id is the hash (`revisionId`) of the template as written and of the hashes of the
 * configuration's content, without what is ignored: paths into the template, and `ConfigMap/name` or `Secret/name`
 * for content whose change makes no new revision. Nothing that upramp or Kubernetes adds counts, so neither an update
 * of upramp nor one of the cluster makes a new revision.
 */
export function revisionOf(
  { name, template }: Workload,
  configs: Readonly<Record<string, string>>,
  ignore: readonly string[],
): Revision {
  const content: WorkloadContent = { rendering: 1, template, configs, ignore: [...ignore] };
  const [ignoredConfigs, paths] = partition(ignore, (one) => /^(ConfigMap|Secret)\//.test(one));
  const id = revisionId({
    template: paths.reduce<unknown>((rest, path) => without(rest, path), template),
    configs: Object.fromEntries(
      Object.entries(configs).filter(([key]) => !ignoredConfigs.includes(key)),
    ),
  });
  return { id, name: name ?? imageTag(template) ?? id, content };
}

/** What a revision of target `kubernetes` runs. */
export function workloadContent(revision: Revision): WorkloadContent {
  return parse(workloadContentSchema, revision.content, `content of revision ${revision.name}`);
}

/** Never change what this makes of what is written: the ids of revisions in this form would change with it. */
function templateOf(short: z.infer<typeof shortForm>): PodTemplate {
  const { command, args, port, readiness, livenessProbe, resources } = short;
  const variables = variablesOf(short.env);
  const sources = [
    ...short.configMaps.map((name) => ({ configMapRef: { name } })),
    ...short.secrets.map((name) => ({ secretRef: { name } })),
  ];
  const httpGet = { path: readiness, port };
  const container = {
    name: "main",
    image: short.image,
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(variables.length === 0 ? {} : { env: variables }),
    ...(sources.length === 0 ? {} : { envFrom: sources }),
    ...(port === undefined ? {} : { ports: [{ name: "http", containerPort: port }] }),
    ...(readiness === undefined ? {} : { readinessProbe: { httpGet, periodSeconds: 2 } }),
    ...(livenessProbe === undefined ? {} : { livenessProbe }),
    // an autoscaler measures against what is requested
    resources: resources ?? { requests: { cpu: "100m", memory: "64Mi" } },
  };
  const account =
    short.serviceAccount === undefined
      ? { automountServiceAccountToken: false }
      : { serviceAccountName: short.serviceAccount };
  return { spec: { containers: [container], ...account } };
}

/**
 * Sorted, so that the order in which they are written makes no revision; but those that name others, as `$(NAME)`,
 * stay behind them in the order written, which is that in which Kubernetes puts values in.
 */
function variablesOf(env: Readonly<Record<string, string>>): readonly object[] {
  const all = Object.entries(env).map(([name, value]) => ({ name, value }));
  const [naming, plain] = partition(all, ({ value }) => value.includes("$("));
  return [...plain.toSorted((a, b) => (a.name < b.name ? -1 : 1)), ...naming];
}

function partition<T>(list: readonly T[], isFirst: (item: T) => boolean): readonly [T[], T[]] {
  return [list.filter((item) => isFirst(item)), list.filter((item) => !isFirst(item))];
}

/** The tag of the first container's image, when it says something. */
function imageTag({ spec }: PodTemplate): string | undefined {
  const [place = ""] = spec.containers[0]?.image.split("@") ?? [];
  const tag = /:(\w[\w.-]*)$/.exec(place)?.[1];
  return tag === "latest" ? undefined : tag;
}
