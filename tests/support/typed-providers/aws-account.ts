/** The account that every stand-in resource of AWS is in. */
export const accountId = "123456789012";

/** The region of a provider's configuration, which says one when it was checked. */
export function regionOf(config: Readonly<Record<string, unknown>>): string {
  const { region } = config;
  return typeof region === "string" ? region : "";
}

/** The partition of a region: `aws`, `aws-cn` or `aws-us-gov`. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** The domain of a region's services. */
export function dnsSuffixOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** The availability zones of a region: always three. */
export function zonesOf(region: string): readonly string[] {
  return ["a", "b", "c"].map((letter) => `${region}${letter}`);
}
