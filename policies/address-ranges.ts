import { BlockList, isIP } from "node:net";

/** A range of addresses, taken apart. */
export interface AddressRange {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly prefix: number;
}

const bits = { ipv4: 32, ipv6: 128 } as const;

/** Reads `10.0.0.0/8` or `2001:db8::/32`; null for what is none. */
export function parseRange(text: string): AddressRange | null {
  const [address = "", length = "", ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0 || !/^\d{1,3}$/.test(length)) return null;
  const family = version === 4 ? "ipv4" : "ipv6";
  const prefix = Number(length);
  return prefix <= bits[family] ? { text, family, address, prefix } : null;
}

/** Whether every address of `inner` is in `outer`. */
export function contains(outer: AddressRange, inner: AddressRange): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.prefix, outer.family);
  return list.check(inner.address, inner.family);
}
