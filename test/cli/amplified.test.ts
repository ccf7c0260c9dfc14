import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { command } from "../support/command.ts";

/*
 * A GraphDef of 59 bytes with one constant "c": 1048576 × 256 float32, all of them the one value 1.5 that is stored. A gigabyte that
 * nobody asked for is not read by any command.
 */
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const splat = join(folder, "splat.pb");
const graph =
  "0a390a01631205436f6e73742a0b0a0564747970651202 30012a200a0576616c7565121742150801120b120408808040 12030880022a040000c03f".replaceAll(
    " ",
    "",
  );
writeFileSync(splat, Buffer.from(graph, "hex"));

interface Listed {
  readonly tensors: readonly { readonly sha256?: string | null; readonly stats?: { readonly mean: number; readonly min: number } }[];
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly message: string; readonly fix?: string }[];
}

async function inspected(...options: readonly string[]): Promise<Listed> {
  const { code, stdout } = await command(["inspect", splat, "--json", ...options]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe("a gigabyte out of 59 bytes", () => {
  test("inspect says so, with and without options, and its hash is null", async () => {
    const finding = {
      code: "amplified",
      severity: "warning",
      message: "c: 1.1 GB of values come from 4 B of the file; the values are not read",
      fix: "--amplified reads the values all the same, which may take hours",
    };
    expect((await inspected()).findings).toMatchObject([finding]);
    const { tensors, findings } = await inspected("--hash", "--stats");
    expect(tensors).toMatchObject([{ sha256: null }]);
    expect(tensors[0]?.stats).toBeUndefined();
    expect(findings).toMatchObject([finding]);
  });

  test("--amplified gives its statistics at once, since all values are one", async () => {
    const { tensors, findings } = await inspected("--stats", "--amplified");
    expect(tensors[0]?.stats).toMatchObject({ min: 1.5, max: 1.5, mean: 1.5, std: 0, zeros: 0 });
    expect(findings).toMatchObject([{ code: "amplified", message: "c: 1.1 GB of values come from 4 B of the file" }]);
  });

  test.each([
    ["diff", [splat, splat]],
    ["convert", [splat, "-o", join(folder, "out.npz"), "--to", "npz"]],
  ])("%s refuses its values, and names the option", async (name, args) => {
    const { code, stderr } = await command([name, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain("1.1 GB of values come from 4 B of the file, and reading them all may take hours (tensor c)");
    expect(stderr).toContain("--amplified reads them all the same");
    expect(existsSync(join(folder, "out.npz"))).toBe(false);
  });

  test.each(["inspect", "diff", "convert", "verify"])("%s --help lists --amplified", async (name) => {
    expect((await command([name, "--help"])).stdout).toContain("--amplified");
  });
});
