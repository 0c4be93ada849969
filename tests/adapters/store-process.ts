// A process of its own for the tests of the file store: `store-process.ts WHAT DIRECTORY`.
//   hold       takes the lock, says what came of it, keeps it until standard input ends
//   crash      takes the lock when it can, writes "in" and "out" around a moment with it, then kills itself
//   save       saves one record after the other until it is killed
//   save-large saves a record that needs much space over a small one, and says what came of it
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FileStore } from "../../rollout/adapters/file-store.ts";
import type { RolloutRecord } from "../../rollout/core/state.ts";
import { record } from "../support/builders.ts";

const [what, directory = ""] = process.argv.slice(2);
const store = new FileStore({ directory, name: "dev-podinfo" });

function large(kilobytes: number, name: string): RolloutRecord {
  return { ...record(), wanted: { id: name, name, content: "x".repeat(kilobytes * 1_024) } };
}

switch (what ?? "nothing") {
  case "hold": {
    const result = await store.lock();
    console.log(result.kind);
    process.stdin.resume();
    break;
  }
  case "crash": {
    while ((await store.lock()).kind === "held") await sleep(25);
    appendFileSync(join(directory, "log"), `in ${process.pid}\n`);
    await sleep(10);
    appendFileSync(join(directory, "log"), `out ${process.pid}\n`);
    process.kill(process.pid, "SIGKILL");
    break;
  }
  case "save":
    for (let count = 0; ; count += 1) {
      await store.save(large(200, `v${count}`));
      if (count === 0) console.log("saving");
    }
  case "save-large":
    if ((await store.load()) === null) await store.save(record());
    try {
      await store.save(large(2_000, "large"));
      console.log("saved");
    } catch (error) {
      console.log(error instanceof Error ? `${error.name}: ${error.message}` : error);
    }
    break;
  default:
    throw new Error(`what is ${what}?`);
}
