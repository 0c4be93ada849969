import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { ownedMetadata } from "../owned-object.ts";

/** Who makes the disks: the add-on, or Auto Mode. */
const provisioners = { addon: "ebs.csi.aws.com", autoMode: "ebs.csi.eks.amazonaws.com" } as const;

/** Encrypted disks for volumes that name no class: a new cluster of EKS has no default of its own. */
export function declareStorageClass(
  prefix: string,
  owner: string,
  by: keyof typeof provisioners,
  options: pulumi.CustomResourceOptions,
): kubernetes.storage.v1.StorageClass {
  const isDefault = { "storageclass.kubernetes.io/is-default-class": "true" };
  return new kubernetes.storage.v1.StorageClass(
    `${prefix}-storage-class`,
    {
      metadata: ownedMetadata({ owner, name: "upramp-gp3" }, {}, isDefault),
      provisioner: provisioners[by],
      parameters: { type: "gp3", encrypted: "true" },
      // in the zone of the pod that wants it
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
    },
    options,
  );
}
