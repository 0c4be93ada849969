/** A block of IPv4 addresses. */
export interface Block {
  /** First address, as a number of 32 bits. */
  readonly start: number;
  /** Length of the prefix, in bits. */
  readonly bits: number;
}

/** How the addresses of a VPC are cut up: one public and one private subnet a zone, in the order of the zones. */
export interface AddressPlan {
  readonly publicCidrs: readonly string[];
  readonly privateCidrs: readonly string[];
}

/** What AWS allows a VPC to have. */
const vpcBits = { min: 16, max: 28 } as const;

/** Pods get addresses of the VPC: below 251 a zone, a rollout that runs both versions side by side runs out. */
const privateBitsMax = 24;

/** Parses `10.0.0.0/16`. Undefined for what is no block, also when the address is not the block's first. */
export function parseCidr(text: string): Block | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((part) => part > 255) || bits > 32) return undefined;
  const start = ((a * 256 + b) * 256 + c) * 256 + d;
  return start % sizeOf(bits) === 0 ? { start, bits } : undefined;
}

/** Writes a block as `10.0.0.0/16`. */
export function formatCidr({ start, bits }: Block): string {
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
  return `${parts.join(".")}/${bits}`;
}

/** Whether two blocks have an address in common; then one is in the other. */
export function overlap(one: Block, other: Block): boolean {
  const isBefore = (a: Block, b: Block): boolean => a.start + sizeOf(a.bits) <= b.start;
  return !isBefore(one, other) && !isBefore(other, one);
}

/** What is wrong with a VPC of this block for so many zones; undefined when it can be cut up. */
export function vpcFault({ bits }: Block, zones: number): string | undefined {
  const needed = privateBitsMax - privateStep(zones);
  if (bits > needed) {
    return (
      `is too small for ${zones} zones: each gets a private subnet of at least /${privateBitsMax}, ` +
      `so take /${needed} or larger, up to /${vpcBits.min}`
    );
  }
  if (bits < vpcBits.min) return `is larger than AWS allows: take /${vpcBits.min} to /${needed}`;
  return undefined;
}

/**
 * Cuts the block of a VPC into equal parts: the first ones are the private subnets, since pods live there, and the one
 * after them is cut into the public subnets.
 *
 * @throws RangeError for a block that {@link vpcFault} refuses
 */
export function planAddresses(vpc: Block, zones: number): AddressPlan {
  const fault = vpcFault(vpc, zones);
  if (fault !== undefined) throw new RangeError(`${formatCidr(vpc)} ${fault}`);
  const privateBits = vpc.bits + privateStep(zones);
  const publicBits = privateBits + Math.ceil(Math.log2(zones));
  const publicStart = vpc.start + zones * sizeOf(privateBits);
  const cut = (start: number, bits: number): string[] =>
    Array.from({ length: zones }, (_, index) =>
      formatCidr({ start: start + index * sizeOf(bits), bits }),
    );
  return { privateCidrs: cut(vpc.start, privateBits), publicCidrs: cut(publicStart, publicBits) };
}

/** Bits by which a private subnet is smaller than the VPC: there is one part a zone, and one for all that is public. */
function privateStep(zones: number): number {
  return Math.ceil(Math.log2(zones + 1));
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}
