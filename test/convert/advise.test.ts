import { describe, expect, test } from "vitest";
import { advised } from "../../src/convert/advise.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { CheckpointError } from "../../src/errors.ts";
import { adding, leavingOut, Refusal, type Way } from "../../src/text/refusal.ts";

const size: Way = { ...adding({ inputSize: [64, 96, 3] }), why: "or the size of your pictures" };
const norms = new Refusal("unsupported", "no place for batch norm", [adding({ foldBn: true })]);
const sizeless = new Refusal("usage", "the size of the image is missing", [size]);
const extras = new Refusal("mismatch", "no place for extra.weight", [
  { options: { exclude: ["extra"] }, say: (options) => `leave it out: ${options}` },
]);

/** A conversion that is refused until all that it needs is there. */
async function needing(options: ConvertOptions): Promise<void> {
  if (options.exclude === undefined) throw extras;
  if (options.foldBn !== true) throw norms;
  if (options.inputSize === undefined) throw sizeless;
}

describe("advice is tried before it is printed", () => {
  test("all that is needed is one line, whatever order it is asked for in", async () => {
    const { where } = await advised(extras, {}, needing);
    expect(where.hint).toBe(
      "leave it out: --exclude 'extra' --fold-bn --input-size 64x96x3 (no place for batch norm; or the size of your pictures)",
    );
  });

  test("what was given already is not named again", async () => {
    const { where } = await advised(extras, { foldBn: true, inputSize: [64, 96] }, needing);
    expect(where.hint).toBe("leave it out: --exclude 'extra'");
  });

  test("a way that leads nowhere is not named", async () => {
    const both = new Refusal("usage", "cannot be", [adding({ fc: "conv" }), adding({ noTop: true })]);
    const { where } = await advised(both, {}, async ({ fc }) => {
      if (fc !== undefined) throw new CheckpointError("unsupported", "no convolution fits");
    });
    expect(where.hint).toBe("add --no-top");
  });

  test("where none leads on, the hint says what is in the way", async () => {
    const { where, summary } = await advised(extras, {}, async () => {
      throw new CheckpointError("unsupported", "caffe cannot hold float64");
    });
    expect(summary).toBe("no place for extra.weight");
    expect(where.hint).toBe("with --exclude 'extra' it would still be refused: caffe cannot hold float64");
  });

  test("an option that is left out leads on where the rest is named", async () => {
    const refused = new Refusal("usage", "names of another kind", [leavingOut("naming")]);
    const { where } = await advised(refused, { naming: "keep" }, async ({ naming, foldBn }) => {
      if (naming !== undefined) throw refused;
      if (foldBn !== true) throw norms;
    });
    expect(where.hint).toBe("leave --naming out and add --fold-bn (no place for batch norm)");
  });

  test("a way that the sentence mentions goes from it where it leads nowhere", async () => {
    const alone: Way = { options: { part: "body" }, say: (options) => `${options} converts the network alone`, mentioned: true };
    const homeless = new Refusal("mismatch", "no place for head.weight", [...extras.ways, alone]);
    expect(homeless.message).toBe("no place for head.weight; --part body converts the network alone");
    const without = await advised(homeless, {}, async ({ part }) => {
      if (part !== undefined) throw new CheckpointError("unsupported", "no network");
    });
    expect(without.summary).toBe("no place for head.weight");
    const sized = await advised(homeless, {}, async ({ inputSize }) => {
      if (inputSize === undefined) throw sizeless;
    });
    expect(sized.summary).toBe(
      "no place for head.weight; --part body --input-size 64x96x3 converts the network alone (or the size of your pictures)",
    );
  });

  test("a fault of ours is no refusal", async () => {
    const broken = advised(extras, {}, async () => {
      throw new Error("undefined is not a function");
    });
    await expect(broken).rejects.toThrow("undefined is not a function");
  });
});
