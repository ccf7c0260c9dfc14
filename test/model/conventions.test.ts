import { describe, expect, test } from "vitest";
import { decide } from "../../src/convert/decide.ts";
import { formats } from "../../src/formats.ts";
import { identify } from "../../src/model/identify.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { describedFile } from "../support/described-file.ts";

const rows = formats.map((format) => [format.id, format.conventions] as const);

/** A tensor's shape in the axes that a format keeps. */
function shaped(axes: string, sizes: Readonly<Record<string, number>>): readonly number[] {
  return axes.split(" ").map((name) => sizes[name] ?? 0);
}

/** fc6, fc7, fc8 of a published VGG-16, in the format's own axes. */
function headOf(format: string, matrix: string): Checkpoint {
  const layers = { fc6: [25088, 4096], fc7: [4096, 4096], fc8: [4096, 1000] } as const;
  const tensors = Object.entries(layers).flatMap(
    ([name, [i, o]]) =>
      [
        [`${name}.weight`, shaped(matrix, { i, o })],
        [`${name}.bias`, [o]],
      ] as const,
  );
  return describedFile({ format, tensors });
}

/** A VGG of four blocks, each with its pool, for pictures of 96 × 160: fc6 sees 6 × 10 places. */
function fourPools(format: string, kernel: string, matrix: string): Checkpoint {
  const widths = [8, 8, 16, 16, 24, 24, 24, 32, 32, 32];
  const names = [2, 2, 3, 3].flatMap((count, block) => Array.from({ length: count }, (_, n) => `conv${block + 1}_${n + 1}`));
  const convs = names.map((name, k) => [name, shaped(kernel, { o: widths[k] ?? 0, i: widths[k - 1] ?? 3, h: 3, w: 3 })] as const);
  const dense = [
    ["fc6", shaped(matrix, { i: 32 * 60, o: 48 })],
    ["fc7", shaped(matrix, { i: 48, o: 48 })],
    ["fc8", shaped(matrix, { i: 48, o: 10 })],
  ] as const;
  const outputs = [...widths, 48, 48, 10];
  const tensors = [...convs, ...dense].flatMap(
    ([name, shape], k) =>
      [
        [`${name}.weight`, shape],
        [`${name}.bias`, [outputs[k] ?? 0]],
      ] as const,
  );
  return describedFile({ format, tensors });
}

describe("a row of the table of formats says how its framework keeps weights", () => {
  test.each(rows)("%s", (_, conventions) => {
    expect(["o i h w", "h w i o"]).toContain(conventions.kernel);
    expect(["o i", "i o"]).toContain(conventions.matrix);
    // Who keeps channels last flattens them last.
    expect(conventions.flatten).toBe(conventions.kernel === "h w i o" ? "h w i" : "i h w");
    expect([1e-3, 1e-5]).toContain(conventions.epsilon);
  });

  test("a format that is written as another names one that is written", () => {
    const written = formats.filter((format) => format.write !== undefined).map(({ id }) => id);
    for (const { writtenAs, write } of formats)
      if (writtenAs !== undefined) expect([written.includes(writtenAs), write]).toEqual([true, undefined]);
  });
});

describe("three dense layers alone", () => {
  const channelsLast = ["tf-v1", "tf-v2", "savedmodel", "graphdef", "keras-h5", "keras-v3", "tfjs", "npy", "mat", "matconvnet"];

  test.each(rows)("of %s: the rows of fc6 are in the order in which its framework flattens", (id, { matrix }) => {
    const rowsOf = channelsLast.includes(id) ? "(h w i)" : "(i h w)";
    const identity = identify(headOf(id, matrix));
    expect(identity?.roles.get("fc6.weight")).toEqual({
      key: "fc6.weight",
      axes: parseAxes(matrix === "i o" ? `${rowsOf} o` : `o ${rowsOf}`),
    });
    expect(identity?.roles.get("fc7.weight")).toEqual({ key: "fc7.weight", axes: parseAxes(matrix) });
  });

  test.each(rows)("of %s, like a PyTorch head: the 25,088 rows move where the framework keeps channels last", async (id, { matrix }) => {
    const [source, like] = [headOf(id, matrix), headOf("torch", "o i")];
    const request = { checkpoint: source, identity: identify(source), like: { checkpoint: like, identity: identify(like) } };
    const { plan } = await decide(request, {});
    const move = plan.moves.find(({ to }) => to === "fc6.weight");
    const permuted = channelsLast.includes(id);
    expect([move?.fills[0]?.from[0]?.axes.text.includes("(h w i)"), move?.toAxes?.text]).toEqual([permuted, "o (i h w)"]);
  });
});

describe("a VGG of four pools", () => {
  test.each(rows)("of %s takes its true input size", async (id, { kernel, matrix, dropsOnes }) => {
    const source = fourPools(id, kernel, matrix);
    const identity = identify(source, { inputSize: [96, 160] });
    expect(identity?.network.featureShape).toEqual([32, 6, 10]);
    const request = { checkpoint: source, identity: identify(source) };
    const { area } = await decide(request, { to: "torch", inputSize: [96, 160, 3] });
    expect(area).toMatchObject({ height: 6, width: 10 });
    expect(dropsOnes ?? false).toBe(id === "mat" || id === "matconvnet");
    await expect(decide(request, { to: "torch", inputSize: [192, 320, 3] })).rejects.toThrow("makes fc6 see 12×20");
  });

  test("that does not say its size is asked for one that fits", async () => {
    const source = fourPools("tf-v2", "h w i o", "i o");
    await expect(decide({ checkpoint: source, identity: identify(source) }, { to: "tfslim" })).rejects.toMatchObject({
      where: { hint: expect.stringContaining("96x160x3") },
    });
  });
});
