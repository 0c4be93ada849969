// Gets the tool `widget` into the cache folder given, from the release server given; a process of
// its own, so that a test can kill it or run two at once.
import { getRow } from "../../tools/get.ts";
import { platformOf } from "../../tools/host.ts";
import { widgetRelease } from "./release-server.ts";
import { widgetRow } from "./temporary-host.ts";

const [cacheFolder = "", url = ""] = process.argv.slice(2);
const platform = platformOf(process.platform, process.arch);
const host = { platform, env: process.env, cacheFolder };
const row = widgetRow([widgetRelease(url, platform)]);
const found = await getRow(
  "widget",
  row,
  (event) => console.log(`${event.kind}: ${event.text}`),
  { host },
  new Map(),
);
console.log(JSON.stringify(found));
