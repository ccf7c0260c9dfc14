import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import type { Activation } from "../../src/verify/engines/engine.ts";
import type { EngineId } from "../../src/verify/engines/engines.ts";
import { chooseEngine } from "../../src/verify/engines/engines.ts";
import { ENGINES_VARIABLE } from "../../src/verify/engines/optional-package.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { maxAbs, maxDifference, networkOf, randomSet, weightsFrom } from "./support.ts";

/**
 * The engines that a person may have installed, on small networks of every kind, against the embedded one. They run where
 * VGGTOOL_ENGINES names a folder that has them: VGGTOOL_TEST_ENGINES=tensorflow,onnxruntime VGGTOOL_ENGINES=… npm test.
 */
const engines = (process.env.VGGTOOL_TEST_ENGINES ?? "")
  .split(",")
  .filter((id): id is EngineId => id === "tensorflow" || id === "onnxruntime");
const ctx = createContext();
afterAll(() => ctx.dispose());

const body = { widths: [[2], [3], [2, 3], [3], [4]], channels: 3, kernels: { conv3_2: [1, 1], conv2_1: [3, 5] } } as const;
const rows = [
  ["dense head", { ...body, fc: [4, 2, 3] }, {}, [64, 96]],
  ["conv head", { ...body, fc: [4, 2, 3], batchNorm: true }, { head: "conv" }, [64, 96]],
  ["conv head, a map of scores", { ...body, fc: [4, 2, 3] }, { head: "conv" }, [96, 160]],
  ["one channel, adaptive pool", { ...body, channels: 1, fc: [4, 2, 3] }, { adaptive: [2, 3] }, [160, 33]],
  ["odd sizes, pools rounded up", { ...body, fc: [4, 2, 3] }, { ceil: true }, [47, 70]],
  ["no head", body, { head: "none" }, [40, 72]],
  ["a head of one position", { ...body, fc: [4, 1, 1] }, {}, [32, 32]],
] as const;

describe.skipIf(engines.length === 0)(`engines in ${ENGINES_VARIABLE}`, () => {
  describe.each(engines)("%s", (id) => {
    test.each(rows)("%s", async (_, recipe, options, [height, width]) => {
      const set = randomSet(recipe);
      const network = networkOf(set, options);
      const picture = randomSet({ picture: [2 * recipe.channels, height, width] }).get("picture");
      const input = { shape: [2, recipe.channels, height, width], values: picture?.values ?? new Float32Array(0) };
      const outputs = new Map<string, Activation>();
      const { engine } = await chooseEngine({ engine: id, device: "cpu" });
      for (const each of [wasm, engine]) {
        const session = await each.open(network, weightsFrom(set), input, ctx);
        await session.run(
          { layer: "input", ...input },
          async (activation) => void outputs.set(`${each.id} ${activation.layer}`, activation),
        );
        await session.close();
      }
      for (const { name } of network.layers) {
        const [want, got] = [outputs.get(`wasm ${name}`), outputs.get(`${id} ${name}`)];
        if (want === undefined || got === undefined) throw new Error(`no ${name}`);
        expect(got.shape, name).toEqual(want.shape);
        expect(maxDifference(got.values, want.values), name).toBeLessThan(1e-5 * maxAbs(want.values));
      }
    });

    test("cuda is refused where there is no GPU, with what to do about it", async () => {
      await expect(chooseEngine({ engine: id, device: "cuda" })).rejects.toMatchObject({
        code: "not-found",
        message: expect.stringMatching(/driver|provider/),
      });
    });
  });
});
