// Starts a script as bin/upramp.js does; `without-execve` as on a Node that cannot replace its process.
import process from "node:process";
import { become } from "../../tools/launch.mjs";

const [mode, script = "", ...args] = process.argv.slice(2);
if (mode === "without-execve") delete process.execve;
become(process.execPath, script, args);
