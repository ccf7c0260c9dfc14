import fs, { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { main } from "../../src/cli/main.ts";

/* Runs command lines that the parent sends, one at a time, and sends back their exit codes and what they wrote to stderr. */

const folder = process.argv[2] ?? "";
const { writeSync } = fs;
let said = "";
Reflect.set(fs, "writeSync", (...place: unknown[]): number => {
  const [descriptor, bytes, from] = place;
  if ((descriptor !== 1 && descriptor !== 2) || !(bytes instanceof Uint8Array)) return Number(Reflect.apply(writeSync, fs, place));
  const text = Buffer.from(bytes.subarray(Number(from ?? 0))).toString();
  if (descriptor === 2) said += text;
  return Buffer.byteLength(text);
});
syncBuiltinESMExports();

process.send?.("ready");
process.on("message", async (job: { readonly args: readonly string[]; readonly files: readonly (readonly [string, string])[] }) => {
  const out = join(folder, "out");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  for (const [name, text] of job.files) writeFileSync(join(folder, name), text);
  said = "";
  process.exitCode = 0;
  await main(job.args);
  const code = process.exitCode;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  process.exitCode = 0;
  process.send?.({ code, said });
});
