// What launcher.mjs starts: ends with the code given, or counts the signals it gets until the first
// has been there long enough for a second one to show.
import process from "node:process";

const [code] = process.argv.slice(2);
if (code !== undefined) process.exit(Number(code));

const settleMs = 400;
let count = 0;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    count += 1;
    if (count > 1) return;
    setTimeout(() => {
      console.log(`${signal} ${count}`);
      process.exit(7);
    }, settleMs);
  });
}
setTimeout(() => process.exit(9), 30_000); // nothing came: end all the same
console.log(`ready ${process.pid}`);
