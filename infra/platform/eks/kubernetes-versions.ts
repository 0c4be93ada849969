/**
 * Versions of Kubernetes that EKS offers, and whether AWS asks more for them: the release calendar of the EKS user guide
 * (https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html) and https://endoflife.date/amazon-eks, as
 * of 2026-11-24. Standard support of 1.34 ends on 2026-12-02, of 1.35 on 2027-03-27.
 */
export const kubernetesVersions = {
  "1.32": "extended",
  "1.33": "extended",
  "1.34": "standard",
  "1.35": "standard",
  "1.36": "standard",
} as const satisfies Record<string, "standard" | "extended">;
export type KubernetesVersion = keyof typeof kubernetesVersions;

/** The newest that has been out for long enough to be in wide use. */
export const defaultKubernetesVersion = "1.35" satisfies KubernetesVersion;
