import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { main } from "../../src/cli/main.ts";
import type { Ran } from "./cli.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Variables that change how output looks. */
const looks = ["NO_COLOR", "FORCE_COLOR", "COLUMNS"] as const;

/** Runs one command line in this process, as if its output went to pipes. One at a time: output is taken by its descriptor. */
export async function inProcess(args: readonly string[]): Promise<Ran> {
  const written: readonly [Buffer[], Buffer[]] = [[], []];
  const before = signals.map((signal) => process.listeners(signal));
  const code = process.exitCode;
  const environment = looks.map((name) => [name, process.env[name]] as const);
  const { writeSync, fstatSync } = fs;
  const kept = (descriptor: unknown): Buffer[] | undefined => (descriptor === 1 ? written[0] : descriptor === 2 ? written[1] : undefined);
  Reflect.set(fs, "writeSync", (...place: unknown[]) => {
    const [descriptor, bytes, from] = place;
    const output = kept(descriptor);
    if (output === undefined || !(bytes instanceof Uint8Array)) return Reflect.apply(writeSync, fs, place);
    const rest = Buffer.from(bytes.subarray(Number(from ?? 0)));
    output.push(rest);
    return rest.length;
  });
  Reflect.set(fs, "fstatSync", (...place: unknown[]) =>
    kept(place[0]) === undefined ? Reflect.apply(fstatSync, fs, place) : fs.statSync("/"),
  );
  syncBuiltinESMExports();
  for (const name of looks) process.env[name] = "";
  try {
    process.exitCode = 0;
    await main(args);
    return { code: Number(process.exitCode), stdout: Buffer.concat(written[0]).toString(), stderr: Buffer.concat(written[1]).toString() };
  } finally {
    process.exitCode = code;
    for (const [name, value] of environment) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    Reflect.set(fs, "writeSync", writeSync);
    Reflect.set(fs, "fstatSync", fstatSync);
    syncBuiltinESMExports();
    for (const [k, signal] of signals.entries()) {
      for (const each of process.listeners(signal)) if (!before[k]?.includes(each)) process.off(signal, each);
    }
  }
}
