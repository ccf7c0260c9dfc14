import { describe, expect, test } from "vitest";
import type { ConvertResult } from "../../src/convert/convert.ts";
import { convertText } from "../../src/report/convert.ts";
import { plain } from "../../src/report/style.ts";

const result = (format: string, output: string): ConvertResult => ({
  plan: { schema: "vggtool/plan/1", format, scheme: "tfslim", moves: [], unused: [], missing: [], assumed: [] },
  ledger: {
    sources: [],
    targets: [],
    losses: new Map(),
    missing: [],
    layers: [],
    totals: { used: 0, unused: 0, usedTwice: 0, filled: 0, missing: 0 },
  },
  warnings: [],
  files: [],
  output,
  bytes: 0,
  checked: true,
  seconds: 0.1,
});
const text = (format: string, output: string): string => convertText(result(format, output), { paint: plain, width: 100 });

describe("how latest_checkpoint finds a TensorFlow checkpoint", () => {
  test.each([
    ["dense.ckpt", 'update_checkpoint_state(".", "dense.ckpt")'],
    ["out/dense.ckpt", 'update_checkpoint_state("out", "out/dense.ckpt")'],
    ['/a "b"/x.ckpt', 'update_checkpoint_state("/a \\"b\\"", "/a \\"b\\"/x.ckpt")'],
  ])("%s", (output, call) => expect(text("tf-v2", output).endsWith(`: tf.compat.v1.train.${call}`)).toBe(true));

  test("no other format has such a file", () => expect(text("torch", "x.pth")).not.toContain("latest_checkpoint"));
});
