import Mocha from "mocha";
import { writeFileSync } from "node:fs";
import type { TestCounts } from "./test-counts.ts";

/** Mocha's own `spec` report for people; the counts go to the file that UPRAMP_TEST_COUNTS names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      const counts: TestCounts = { passed: passes, failed: failures, skipped: pending };
      const file = process.env["UPRAMP_TEST_COUNTS"];
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
