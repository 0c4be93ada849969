import assert from "node:assert/strict";
import { UserError } from "../../rollout/errors.ts";
import { cacheFolderOf, platformOf } from "../../tools/host.ts";

describe("the host of the tools", () => {
  it("knows Linux and macOS on x64 and arm64, and nothing else", () => {
    for (const system of ["linux", "darwin"]) {
      for (const processor of ["x64", "arm64"]) {
        assert.equal(platformOf(system, processor), `${system}-${processor}`);
      }
    }
    assert.throws(() => platformOf("linux", "ia32"), UserError);
    assert.throws(() => platformOf("win32", "x64"), /WSL 2/);
  });

  it("keeps the cache where the system wants it", () => {
    const home = "/home/ada";
    assert.equal(cacheFolderOf("linux", {}, home), "/home/ada/.cache/upramp");
    assert.equal(cacheFolderOf("darwin", {}, home), "/home/ada/Library/Caches/upramp");
    const xdg = { XDG_CACHE_HOME: "/var/cache/ada" };
    assert.equal(cacheFolderOf("linux", xdg, home), "/var/cache/ada/upramp");
    assert.equal(cacheFolderOf("darwin", xdg, home), "/var/cache/ada/upramp");
    const relative = { XDG_CACHE_HOME: "cache" };
    assert.equal(cacheFolderOf("linux", relative, home), "/home/ada/.cache/upramp");
  });
});
