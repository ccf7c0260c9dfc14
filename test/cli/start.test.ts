import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROCESS_TIMEOUT, root } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

/** What Node loads of its own modules takes longer than what we do with them: streams 3 ms, zlib 2, node:module 2, workers 2, promises of files 1. */
const costly = ["tty", "stream", "zlib", "module", "worker_threads", "fs/promises", "crypto", "os", "child_process", "http", "net"];

/** Node's own modules that the built command loads beyond those of an empty process. */
function loadedBy(args: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-start-"));
  const hook = join(folder, "hook.cjs");
  const record = join(folder, "loaded.json");
  writeFileSync(
    hook,
    `const before = new Set(process.moduleLoadList);
     process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(record)},
       JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name)))));`,
  );
  try {
    execFileSync(process.execPath, ["--require", hook, join(root, "bin", "vggtool"), ...args], { stdio: "ignore" });
    const names: unknown = JSON.parse(readFileSync(record, "utf8"));
    return Array.isArray(names) ? names.map((name) => String(name).replace(/^NativeModule /, "")) : [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each([["vgg16.pdparams"], ["vgg_16.ckpt.index"], ["vgg_face.mat"]])(
  "a plain inspection of %s loads none of Node's costly modules",
  (name) => {
    const loaded = loadedBy(["inspect", join(fixtures, "demo", name)]);
    expect(loaded.filter((module) => costly.includes(module))).toEqual([]);
  },
  PROCESS_TIMEOUT,
);
