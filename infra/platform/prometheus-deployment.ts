import { createHash } from "node:crypto";
import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { PrometheusDeployment, PrometheusPlace } from "../prometheus-contract.ts";
import type { RouterSettings } from "../router-contract.ts";
import type { DeclareOptions } from "./declare-options.ts";
import { withoutSidecar } from "./mesh.ts";
import { ownedMetadata } from "./owned-object.ts";
import { prometheusConfig } from "./prometheus-config.ts";
import type { ServiceNamespaces } from "./service-namespaces.ts";

/** Name of the Deployment, its Service and its ServiceAccount. */
export const prometheusName = "upramp-prometheus";

/** Time between the decision that a pod goes and its SIGTERM. */
const leaveSeconds = 2;

const port = 9_090;

/** Longer than any window that a check looks back on; a rollout keeps its own record. */
const retention = "6h";

/** Room for the data on the node; Prometheus itself drops the oldest before it is reached. */
const dataSize = { limit: "4Gi", kept: "3GB" } as const;

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
  readonly router: RouterSettings["kind"];
}

/** A Prometheus that is declared. */
export interface DeclaredPrometheus {
  /** How it is reached. */
  readonly place: PrometheusPlace;
  /** Once these are, it answers. */
  readonly resources: readonly pulumi.CustomResource[];
}

/**
 * A Prometheus in the platform's namespace: it may list pods where it looks for them and nothing else, keeps its data in
 * its pod, and is not exposed. A changed configuration starts it anew, without what it had measured.
 */
export function declarePrometheus(
  prefix: string,
  args: PrometheusArgs,
  options: DeclareOptions,
): DeclaredPrometheus {
  const { owner, namespace, settings, serviceNamespaces, router } = args;
  const metadata = ownedMetadata({ owner, namespace, name: prometheusName }, selector);
  const config = prometheusConfig({
    scrapeInterval: settings.scrapeInterval,
    targets: settings.targets,
    namespaces: searched(serviceNamespaces, settings.namespaces),
    hasSidecars: router === "app-mesh",
  });
  // By its content: a ConfigMap is replaced rather than changed, and the old one stays for the pod that has it mounted.
  const configName = `${prometheusName}-${createHash("sha256").update(config).digest("hex").slice(0, 10)}`;
  const configMap = new kubernetes.core.v1.ConfigMap(
    `${prefix}-prometheus-config`,
    {
      metadata: ownedMetadata({ owner, namespace, name: configName }, selector),
      immutable: true,
      data: { "prometheus.yml": config },
    },
    options,
  );
  const account = new kubernetes.core.v1.ServiceAccount(
    `${prefix}-prometheus-account`,
    { metadata, automountServiceAccountToken: false },
    options,
  );
  const rights = declareRights(prefix, args, { ...options, dependsOn: [account] });
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
        // the new one answers before the old one goes
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: { metadata: podMetadata, spec: podOf(settings, configName) },
      },
    },
    { ...options, dependsOn: [configMap, ...rights] },
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
function searched(services: ServiceNamespaces, more: readonly string[]): ServiceNamespaces {
  return services === "all" ? "all" : [...new Set([...services, ...more])];
}

/** The right to list pods, in each namespace where they are looked for. */
function declareRights(
  prefix: string,
  { owner, namespace, settings, serviceNamespaces }: PrometheusArgs,
  options: DeclareOptions,
): pulumi.Resource[] {
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
  const namespaces = searched(serviceNamespaces, settings.namespaces);
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
  { image, memory }: PrometheusDeployment,
  configName: string,
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
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "prometheus",
        image,
        args: [
          "--config.file=/etc/prometheus/prometheus.yml",
          "--storage.tsdb.path=/prometheus",
          `--storage.tsdb.retention.time=${retention}`,
          `--storage.tsdb.retention.size=${dataSize.kept}`,
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
      { name: "data", emptyDir: { sizeLimit: dataSize.limit } },
    ],
  };
}
