import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { PrometheusDeployment, PrometheusPlace } from "../prometheus-contract.ts";
import type { RouterWritten } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { withoutSidecar } from "./mesh.ts";
import { ownedMetadata } from "./owned-object.ts";
import { proxyNamespaces } from "./pod-jobs.ts";
import { prometheusConfig, type RemoteWorkspace } from "./prometheus-config.ts";
import type { ServiceNamespaces } from "./service-namespaces.ts";

/** Name of the Deployment, its Service and its ServiceAccount. */
export const prometheusName = "upramp-prometheus";

/** Time between the decision that a pod goes and its SIGTERM. */
const leaveSeconds = 2;

const port = 9_090;

/** Room for the data on the node, without a volume; a rollout keeps its own record. */
const podDataSize = "4Gi";

/** What of its room Prometheus fills before it drops the oldest: it needs some to put blocks together. */
const filledPercent = 75;

/** Time in which it has to be ready, in s; most of it for the image. */
const readySeconds = 300;

/** The user `nobody`, as in the official image. */
const user = 65_534;

const selector = { "app.kubernetes.io/name": prometheusName } as const;

/** What a Prometheus in the cluster is declared from. */
export interface PrometheusArgs {
  /** Full name of the stack. */
  readonly owner: string;
  /** Where it runs. */
  readonly namespace: string;
  readonly settings: PrometheusDeployment;
  readonly serviceNamespaces: ServiceNamespaces;
  readonly router: RouterWritten;
  /** Where it writes to as well. */
  readonly workspace?: pulumi.Input<RemoteWorkspace> | undefined;
  /** Role of AWS that its service account takes. */
  readonly roleArn?: pulumi.Input<string> | undefined;
}

/** A Prometheus that is declared. */
export interface DeclaredPrometheus {
  /** How it is reached. */
  readonly place: PrometheusPlace;
  /** Once these are, it answers. */
  readonly resources: readonly pulumi.CustomResource[];
}

/**
 * A Prometheus in the platform's namespace: it may list pods where it looks for them and nothing else, and is not
 * exposed. It keeps its data in its pod, and a changed configuration starts it anew without them; or on a volume, and
 * then it is away while another pod takes the volume over.
 */
export function declarePrometheus(
  prefix: string,
  args: PrometheusArgs,
  options: DeclareOptions,
): DeclaredPrometheus {
  const { owner, namespace, settings, router, workspace, roleArn } = args;
  const metadata = ownedMetadata({ owner, namespace, name: prometheusName }, selector);
  // a workspace that is made in this update is known once it is there
  const config = pulumi.output(workspace).apply((known) =>
    prometheusConfig({
      scrapeInterval: settings.scrapeInterval,
      targets: settings.targets,
      namespaces: searched(args),
      router,
      workspace: known,
    }),
  );
  // By its content: a ConfigMap is replaced rather than changed, and the old one stays for the pod that has it mounted.
  const configName = config.apply(
    (text) => `${prometheusName}-${createHash("sha256").update(text).digest("hex").slice(0, 10)}`,
  );
  const configMap = new kubernetes.core.v1.ConfigMap(
    `${prefix}-prometheus-config`,
    {
      metadata: { ...metadata, name: configName },
      immutable: true,
      data: { "prometheus.yml": config },
    },
    options,
  );
  const account = new kubernetes.core.v1.ServiceAccount(
    `${prefix}-prometheus-account`,
    { metadata: withRole(metadata, roleArn), automountServiceAccountToken: false },
    options,
  );
  const rights = declareRights(prefix, args, { ...options, dependsOn: [account] });
  const volumes = declareVolume(prefix, args, options);
  const deployment = new kubernetes.apps.v1.Deployment(
    `${prefix}-prometheus`,
    {
      metadata: {
        ...metadata,
        annotations: {
          ...metadata.annotations,
          "pulumi.com/timeoutSeconds": String(readySeconds),
        },
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        strategy:
          settings.volume === undefined
            ? // the new one answers before the old one goes
              { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
            : // a volume is of one pod, and two would write into the same files
              { type: "Recreate" },
        template: { metadata: podMetadata, spec: podOf(settings, configName) },
      },
    },
    { ...options, dependsOn: [configMap, ...rights, ...volumes] },
  );
  const service = new kubernetes.core.v1.Service(
    `${prefix}-prometheus-service`,
    {
      metadata: {
        ...metadata,
        // its one pod is ready already, and the provider would look on for 10 s
        annotations: { ...metadata.annotations, "pulumi.com/skipAwait": "true" },
      },
      spec: { selector, ports: [{ name: "http", port, targetPort: "http" }] },
    },
    { ...options, dependsOn: [deployment] },
  );
  return {
    place: { service: { namespace, service: prometheusName, port } },
    resources: [deployment, service],
  };
}

/** Namespaces in which pods are looked for. */
function searched({ serviceNamespaces, settings, router }: PrometheusArgs): ServiceNamespaces {
  if (serviceNamespaces === "all") return "all";
  const further = [...proxyNamespaces(router), ...settings.namespaces];
  return [...new Set([...serviceNamespaces, ...further])];
}

/** Metadata of a service account whose pods get a role of AWS. */
function withRole(
  metadata: ReturnType<typeof ownedMetadata>,
  roleArn: pulumi.Input<string> | undefined,
): kubernetes.types.input.meta.v1.ObjectMeta {
  if (roleArn === undefined) return metadata;
  const annotations = { ...metadata.annotations, "eks.amazonaws.com/role-arn": roleArn };
  return { ...metadata, annotations };
}

/** The claim of a volume, where one is asked for. */
function declareVolume(
  prefix: string,
  { owner, namespace, settings: { volume } }: PrometheusArgs,
  options: DeclareOptions,
): pulumi.Resource[] {
  if (volume === undefined) return [];
  const { size, storageClass } = volume;
  const annotations = {
    // many classes bind a claim only once a pod has it, and the pod is waited for
    "pulumi.com/skipAwait": "true",
  };
  return [
    new kubernetes.core.v1.PersistentVolumeClaim(
      `${prefix}-prometheus-volume`,
      {
        metadata: ownedMetadata({ owner, namespace, name: prometheusName }, selector, annotations),
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: size } },
          ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
        },
      },
      options,
    ),
  ];
}

/** The right to list pods, in each namespace where they are looked for. */
function declareRights(
  prefix: string,
  args: PrometheusArgs,
  options: DeclareOptions,
): pulumi.Resource[] {
  const { owner, namespace } = args;
  // of the platform's namespace: another platform may look for pods in the same places
  const name = `${prometheusName}-${namespace}`;
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }];
  const subjects = [{ kind: "ServiceAccount", namespace, name: prometheusName }];
  const roleRef = (kind: string): kubernetes.types.input.rbac.v1.RoleRef => ({
    apiGroup: "rbac.authorization.k8s.io",
    kind,
    name,
  });
  const { ClusterRole, ClusterRoleBinding, Role, RoleBinding } = kubernetes.rbac.v1;
  const namespaces = searched(args);
  if (namespaces === "all") {
    const metadata = ownedMetadata({ owner, name }, selector);
    const role = new ClusterRole(`${prefix}-prometheus-role`, { metadata, rules }, options);
    const binding = { metadata, subjects, roleRef: roleRef("ClusterRole") };
    return [role, new ClusterRoleBinding(`${prefix}-prometheus-binding`, binding, options)];
  }
  return namespaces.flatMap((place) => {
    const metadata = ownedMetadata({ owner, namespace: place, name }, selector);
    const role = new Role(`${prefix}-prometheus-role-${place}`, { metadata, rules }, options);
    const binding = { metadata, subjects, roleRef: roleRef("Role") };
    return [role, new RoleBinding(`${prefix}-prometheus-binding-${place}`, binding, options)];
  });
}

/** Meshes leave it alone: it is no service of theirs, and the API server reaches it without their certificates. */
const podMetadata = {
  labels: { ...selector, "sidecar.istio.io/inject": "false" },
  annotations: { ...withoutSidecar, "linkerd.io/inject": "disabled" },
} as const;

function podOf(
  { image, memory, retention, volume }: PrometheusDeployment,
  configName: pulumi.Input<string>,
): kubernetes.types.input.core.v1.PodSpec {
  return {
    serviceAccountName: prometheusName,
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      // every file of a volume would be gone through at each start
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "prometheus",
        image,
        args: [
          "--config.file=/etc/prometheus/prometheus.yml",
          "--storage.tsdb.path=/prometheus",
          `--storage.tsdb.retention.time=${retention}ms`,
          `--storage.tsdb.retention.size=${filledMegabytes(volume?.size ?? podDataSize)}MB`,
        ],
        ports: [{ name: "http", containerPort: port }],
        readinessProbe: { httpGet: { path: "/-/ready", port: "http" }, periodSeconds: 2 },
        livenessProbe: {
          httpGet: { path: "/-/healthy", port: "http" },
          periodSeconds: 10,
          failureThreshold: 6,
        },
        // answers until whoever asks through its Service knows the next pod
        lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
        resources: { requests: { cpu: "100m", memory }, limits: { cpu: "1", memory } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "config", mountPath: "/etc/prometheus", readOnly: true },
          { name: "data", mountPath: "/prometheus" },
        ],
      },
    ],
    volumes: [
      { name: "config", configMap: { name: configName } },
      {
        name: "data",
        ...(volume === undefined
          ? { emptyDir: { sizeLimit: podDataSize } }
          : { persistentVolumeClaim: { claimName: prometheusName } }),
      },
    ],
  };
}

/** In Prometheus's megabytes, which are those of Kubernetes's `Mi`. */
function filledMegabytes(size: string): number {
  const factor = size.endsWith("Ti") ? 1_024 * 1_024 : 1_024;
  return Math.floor((Number.parseInt(size, 10) * factor * filledPercent) / 100);
}
