import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import type { Plan } from "../../src/convert/plan/plan-types.ts";
import { createContext } from "../../src/io/run.ts";
import { unusualLayers } from "../../src/model/geometry/stated.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { loadFloat64 } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { size, smallVgg } from "../support/vgg.ts";

const ctx = createContext({ values: true });
let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "reduced-"));
});
afterAll(async () => {
  rmSync(root, { recursive: true });
  await ctx.dispose();
});

/** A VGG-11 whose fc6 sees 7 × 7 places of 20 channels; every value is its own number in the tensor, exact in float32. */
const full = (head = [20 * 49, 48, 40, 10]) => smallVgg(({ shape }) => Float32Array.from({ length: size(shape) }, (_, k) => k), head);

async function reduced(options: ConvertOptions, name: string) {
  const checkpoint = full();
  const out = join(root, name);
  const result = await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { fc: "reduced", ...options, out }, ctx);
  return { result, written: await open(result.output, ctx) };
}

describe("--fc reduced", () => {
  test("keeps every fourth output, and the first, the middle and the last place of fc6 both ways", async () => {
    const { result, written } = await reduced({ to: "torch" }, "x.pth");
    const values = async (key: string): Promise<{ shape: readonly number[]; values: Float64Array }> => {
      const tensor = written.tensors.get(key);
      if (tensor === undefined || !isNumeric(tensor)) throw new Error(`no ${key}`);
      return { shape: tensor.shape, values: await loadFloat64(tensor, ctx) };
    };
    const fc6 = await values("classifier.0.weight");
    expect(fc6.shape).toEqual([12, 20, 3, 3]);
    const wanted = [];
    for (let o = 0; o < 48; o += 4)
      for (let i = 0; i < 20; i++) for (const h of [0, 3, 6]) for (const w of [0, 3, 6]) wanted.push(((o * 20 + i) * 7 + h) * 7 + w);
    expect([...fc6.values]).toEqual(wanted);
    expect([...(await values("classifier.0.bias")).values]).toEqual(Array.from({ length: 12 }, (_, k) => 4 * k));
    const fc7 = await values("classifier.3.weight");
    expect(fc7.shape).toEqual([10, 12, 1, 1]);
    const rows = Array.from({ length: 10 }, (_, o) => Array.from({ length: 12 }, (_, i) => 4 * o * 48 + 4 * i));
    expect([...fc7.values]).toEqual(rows.flat());
    expect([...written.tensors.keys()].filter((key) => key.startsWith("classifier.6"))).toEqual([]);
    expect(result.plan.moves.find(({ to }) => to === "classifier.0.weight")?.move).toBe("subsample");
    await written.close();
  });

  test("says what is dropped and how the network runs", async () => {
    const { result, written } = await reduced({}, "x.safetensors");
    expect(result.warnings).toEqual([
      "--fc reduced keeps 1 of 4 of the 48 outputs of fc6 and the 40 of fc7, and 3×3 of fc6's 7×7 places; fc8 is left out; the network runs with pool5 3×3 and stride 1, fc6 with dilation and padding 6",
    ]);
    expect(result.plan.unused.map(({ role, reason }) => [role, reason])).toEqual([
      ["fc8.weight", "--fc reduced"],
      ["fc8.bias", "--fc reduced"],
    ]);
    await written.close();
  });

  test.each([
    ["onnx", "x.onnx"],
    ["caffe", "x.caffemodel"],
    ["safetensors", "y.safetensors"],
  ])("%s holds its geometry", async (to, name) => {
    const { written } = await reduced({ to, inputSize: [224, 224] }, name);
    const network = identify(written)?.network;
    expect(network && unusualLayers(network)).toEqual([
      expect.stringMatching(/^pool5 \(3×3, stride 1, padding 1/),
      "fc6 (3×3, stride 1, padding 6, dilation 6)",
    ]);
    await written.close();
  });

  test("a head that has no such samples is refused with what it has", async () => {
    const attempt = async (head: number[], options: ConvertOptions): Promise<unknown> => {
      const checkpoint = full(head);
      return convertCheckpoint(
        { checkpoint, identity: identify(checkpoint, { inputSize: [128, 128] }) },
        { fc: "reduced", out: join(root, "no"), ...options },
        ctx,
      );
    };
    await expect(attempt([20 * 16, 48, 40, 10], { to: "torch" })).rejects.toMatchObject({
      code: "usage",
      message: "--fc reduced keeps 3×3 places of a square of 3, 5, 7 …, as 7×7; this fc6 sees 4×4",
    });
  });

  test("what may be SSD's fc6 is not flattened unasked, where the file says nothing of it", async () => {
    const { written } = await reduced({ to: "torch", naming: "caffe" }, "z.pth");
    const checkpoint = { ...written, metadata: new Map() };
    const attempt = async (options: ConvertOptions) =>
      convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { to: "paddle", dryRun: true, ...options }, ctx);
    const shapeOf = (plan: Plan): unknown => plan.moves.find(({ fills }) => fills[0]?.role === "fc6.weight")?.toShape;
    const { plan } = await attempt({});
    expect([shapeOf(plan), plan.assumed.find(({ what }) => what === "fc6 and fc7 stay convolutions")?.switch]).toEqual([
      [12, 20, 3, 3],
      "--fc dense, or --input-size 96x96x3 where it sees all of pool5",
    ]);
    expect(shapeOf((await attempt({ fc: "dense" })).plan)).toEqual([180, 12]);
    await written.close();
  });

  test("a target that cannot hold a dilated layer names it", async () => {
    await expect(reduced({ to: "keras", inputSize: [224, 224] }, "x.h5")).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("fc6 (3×3, stride 1, padding 6, dilation 6)"),
    });
  });
});
