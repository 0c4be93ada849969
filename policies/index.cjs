// The engine loads a pack by `require` with ts-node in place, which would type-check every file at every update.
// A dynamic import goes past it: Node itself strips the types.
module.exports = () => import("./pack.ts");
