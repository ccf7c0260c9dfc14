import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { plain, verifyText } from "../../src/report/report.ts";
import type { Activation, Engine } from "../../src/verify/engines/engine.ts";
import { chooseEngines } from "../../src/verify/engines/engines.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { heldBatch } from "../../src/verify/input/batch.ts";
import { photos } from "../../src/verify/input/photo.ts";
import { runVerify } from "../../src/verify/run.ts";
import { subjectOf } from "./subjects.ts";
import { networkOf, randomSet } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const set = randomSet({ widths: [[4], [6, 6], [8], [8], [4]], channels: 3, kernels: {}, fc: [4, 2, 3] });
const subject = subjectOf("plain", set, networkOf(set));
const input = heldBatch(photos([1], [3, 64, 96]), "generated");

/** The embedded engine under another name, with its outputs changed. */
function engine(id: string, change: (activation: Activation) => Activation): Engine {
  return {
    ...wasm,
    id,
    async open(...asked) {
      const session = await wasm.open(...asked);
      return { ...session, run: (batch, visit) => session.run(batch, (activation) => visit(change(activation))) };
    },
  };
}

/** Rounded to 11 bits, as TF32 rounds what it multiplies. */
function coarse({ values, ...rest }: Activation): Activation {
  const words = new Uint32Array(values.slice().buffer);
  for (let k = 0; k < words.length; k++) words[k] = Math.round((words[k] ?? 0) / 2 ** 13) * 2 ** 13;
  return { ...rest, values: new Float32Array(words.buffer) };
}

const same = engine("same", (activation) => activation);
const tf32 = engine("tf32", (activation) => (activation.layer === "conv2_1" ? coarse(activation) : activation));

describe("one file on several engines", () => {
  test("agrees where they compute the same, and each run is listed", async () => {
    const record = await runVerify(subject, { engine: wasm, input, moreEngines: [{ engine: same, selfTest: undefined }] }, ctx);
    expect(record).toMatchObject({
      pass: true,
      other: null,
      engine: { name: "wasm" },
      tolerance: { rtol: 1e-4 },
      runs: [{ file: "plain", engine: { name: "same", device: "cpu", selfTest: null }, maxRel: 0, firstDivergence: null }],
    });
    expect(record.layers.every(({ maxAbs }) => maxAbs === 0)).toBe(true);
    expect(verifyText(record, { paint: plain, width: 200 })).toMatch(
      /^against plain on same .*: agrees, at most 0 of a layer's largest value, /m,
    );
  });

  test("names the engine and the layer where they part, and what the errors look like", async () => {
    const record = await runVerify(
      subject,
      {
        engine: wasm,
        input,
        moreEngines: [
          { engine: same, selfTest: undefined },
          { engine: tf32, selfTest: undefined },
        ],
      },
      ctx,
    );
    expect(record).toMatchObject({
      pass: false,
      firstDivergence: "conv2_1",
      runs: [{ firstDivergence: null }, { firstDivergence: "conv2_1" }],
    });
    expect(record.diagnosis).toEqual([
      expect.stringMatching(/^conv2_1 of the same file comes out differently on tf32 .*: the engines differ, not the weights$/),
      expect.stringMatching(/^the errors of conv2_1 look like those of operands rounded to 11 bits, as TF32 .*NVIDIA_TF32_OVERRIDE=0/),
    ]);
  });

  test("two files run on each; a difference of the files is explained by their weights", async () => {
    const moved = new Map(set);
    const bias = set.get("conv2_1.bias");
    moved.set("conv2_1.bias", { shape: bias?.shape ?? [], values: (bias?.values ?? new Float32Array()).map((value) => value + 1) });
    const other = subjectOf("moved", moved, networkOf(moved));
    const record = await runVerify(subject, { engine: wasm, input, other, moreEngines: [{ engine: same, selfTest: undefined }] }, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "conv2_1" });
    expect(record.runs?.map(({ file, engine: { name }, firstDivergence }) => [file, name, firstDivergence])).toEqual([
      ["moved", "wasm", "conv2_1"],
      ["plain", "same", null],
      ["moved", "same", "conv2_1"],
    ]);
    expect(record.diagnosis.join("; ")).toMatch(/conv2_1\.bias/);
  });

  test("an engine is not compared with itself", async () => {
    await expect(chooseEngines({ engine: ["wasm", "wasm"] })).rejects.toMatchObject({
      code: "usage",
      message: "--engine names wasm twice",
    });
    expect(await chooseEngines({ engine: ["wasm"], device: "gpu" })).toMatchObject({ first: { engine: { id: "wasm" } }, more: [] });
  });
});
