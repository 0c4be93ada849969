import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatCidr,
  overlap,
  parseCidr,
  planAddresses,
  vpcFault,
  type Block,
} from "../../infra/platform/eks/address-plan.ts";

/** A block that begins where one of its size can. */
function blocks(min: number, max: number): fc.Arbitrary<Block> {
  return fc
    .tuple(fc.integer({ min, max }), fc.nat(2 ** 32 - 1))
    .map(([bits, address]) => ({ bits, start: address - (address % 2 ** (32 - bits)) }));
}

const zones = fc.integer({ min: 2, max: 4 });

function parsed(text: string): Block {
  const block = parseCidr(text);
  assert.ok(block, text);
  return block;
}

function isInside(inner: Block, outer: Block): boolean {
  return overlap(inner, outer) && inner.bits >= outer.bits;
}

describe("the addresses of a network on EKS", () => {
  it("are read as they are written", () => {
    fc.assert(
      fc.property(blocks(0, 32), (block) => {
        assert.deepEqual(parseCidr(formatCidr(block)), block);
      }),
    );
  });

  it("are refused where they are no block, or not from its first address", () => {
    for (const text of ["10.0.0.0", "10.0.0.1/16", "10.0.0.0/33", "256.0.0.0/8", "fd00::/8", ""]) {
      assert.equal(parseCidr(text), undefined, text);
    }
  });

  it("overlap when they have an address in common, whichever is asked", () => {
    fc.assert(
      fc.property(blocks(1, 30), blocks(1, 30), fc.nat(2 ** 32 - 1), (one, other, address) => {
        assert.equal(overlap(one, other), overlap(other, one));
        const holds = ({ start, bits }: Block): boolean =>
          address >= start && address < start + 2 ** (32 - bits);
        if (holds(one) && holds(other)) assert.ok(overlap(one, other));
      }),
    );
    assert.ok(overlap(parsed("10.0.0.0/8"), parsed("10.1.0.0/16")));
    assert.ok(!overlap(parsed("10.0.0.0/16"), parsed("10.1.0.0/16")));
  });

  it("are cut into disjoint subnets inside of the VPC, equal over the zones and large enough", () => {
    fc.assert(
      fc.property(blocks(16, 28), zones, (vpc, count) => {
        fc.pre(vpcFault(vpc, count) === undefined);
        const plan = planAddresses(vpc, count);
        const [publicBlocks, privateBlocks] = [plan.publicCidrs, plan.privateCidrs].map((cidrs) =>
          cidrs.map(parsed),
        );
        assert.ok(publicBlocks && privateBlocks);
        assert.deepEqual([publicBlocks.length, privateBlocks.length], [count, count]);
        const all = [...publicBlocks, ...privateBlocks];
        for (const [index, block] of all.entries()) {
          assert.ok(isInside(block, vpc), formatCidr(block));
          for (const later of all.slice(index + 1)) assert.ok(!overlap(block, later));
        }
        assert.equal(new Set(privateBlocks.map(({ bits }) => bits)).size, 1);
        assert.equal(new Set(publicBlocks.map(({ bits }) => bits)).size, 1);
        // 256 addresses for the pods of a zone; a load balancer needs a /27
        assert.ok(privateBlocks.every(({ bits }) => bits <= 24));
        assert.ok(publicBlocks.every(({ bits }) => bits <= 27));
      }),
    );
  });

  it("are refused exactly where no such cut is", () => {
    fc.assert(
      fc.property(blocks(8, 30), zones, (vpc, count) => {
        const fault = vpcFault(vpc, count);
        const isLargeEnough = 2 ** (24 - vpc.bits) >= count + 1;
        assert.equal(fault === undefined, isLargeEnough && vpc.bits >= 16, fault);
        if (fault !== undefined) assert.throws(() => planAddresses(vpc, count), RangeError);
      }),
    );
  });

  it("of 10.0.0.0/16 over three zones are 16,384 for each zone's nodes and 4,096 for its load balancers", () => {
    assert.deepEqual(planAddresses(parsed("10.0.0.0/16"), 3), {
      privateCidrs: ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"],
      publicCidrs: ["10.0.192.0/20", "10.0.208.0/20", "10.0.224.0/20"],
    });
  });
});
