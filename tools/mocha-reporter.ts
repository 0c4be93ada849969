import Mocha from "mocha";
import { countsReport } from "./test-counts.ts";

/** Mocha's own `spec` report for people; the counts go where the runner of the suites wants them. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const report = countsReport();
    runner.once("end", () => {
      const { passes, failures, pending } = this.stats;
      report({ passed: passes, failed: failures, skipped: pending });
    });
  }
}
