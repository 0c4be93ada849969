import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopAllBut } from "../../../infra/local/process-set.ts";

/** A directory of one test; it goes after the test, whatever is in it and whatever runs from it. */
export function scratchDirectory(): { readonly path: string } {
  let path = "";
  beforeEach(() => {
    // the real path: on macOS the temporary directory is a link
    path = realpathSync(mkdtempSync(join(tmpdir(), "upramp-test-")));
  });
  afterEach(async () => {
    await stopAllBut(path, []);
    rmSync(path, { recursive: true, force: true });
  });
  return {
    get path() {
      return path;
    },
  };
}
