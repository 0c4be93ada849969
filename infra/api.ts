// What a Pulumi program of one's own imports as `upramp`. Nothing that it loads may use `await` at the top of a module: a
// CommonJS program gets it by `require`, which cannot wait.
export type { ServiceOutputs } from "./contract.ts";
export { CanaryService, type CanaryServiceArgs } from "./service/canary-service.ts";
