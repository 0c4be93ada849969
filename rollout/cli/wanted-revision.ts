import { parseRevision, type Revision, type ServiceOutputs } from "../../infra/contract.ts";

const place = "--revision";

/**
 * The revision that `--revision` names, null when it is not given. For target `local` it is what starts the service; for
 * target `kubernetes` the image of the first container, everything else being as configured. Throws ContractError.
 */
export async function wantedRevision(
  written: string | undefined,
  { target, configured }: ServiceOutputs,
): Promise<Revision | null> {
  if (written === undefined) return null;
  switch (target) {
    case "local":
      return parseRevision(written, place);
    case "kubernetes": {
      const { revisionWithImage } = await import("../../infra/service/image-revision.ts");
      return revisionWithImage(configured, written, place);
    }
  }
}
