import { PolicyPack } from "@pulumi/policy";
import { withKnownSettings } from "./known-settings.ts";
import { rules } from "./rules.ts";

// Constructing the pack serves it: it prints the port to which the engine connects.
new PolicyPack("upramp", {
  description: "What a rollout may never do, and what its platform must have.",
  enforcementLevel: "mandatory",
  policies: rules.map(withKnownSettings),
});

/**
 * Set by a driver that keeps this process for many updates and holds its standard input open: the end of that
 * input is the end of the driver, however it died.
 */
if (process.env["UPRAMP_POLICY_UNTIL"] === "stdin") {
  process.stdin.resume();
  process.stdin.once("end", () => {
    process.exit(0);
  });
}
