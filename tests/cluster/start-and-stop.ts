import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sharedCluster, stopSharedCluster } from "./test-cluster.ts";

/** A cluster that is started and then stopped, or left running to be killed. For the teardown test. */
const { processes } = await sharedCluster();
if (processes === undefined) throw new Error("this is for the process cluster");
if (process.argv[2] === "stop") {
  await stopSharedCluster();
  const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
  console.log(`processes left: ${left}`);
  process.exit(0);
}
writeFileSync(join(processes.folder, "ready"), "");
setInterval(() => undefined, 60_000);
