import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { reader } from "../../src/readers/paddle/reader.ts";
import type { ReadCheckpoint } from "../../src/tensor/checkpoint.ts";
import { memoryProbe } from "../support/damage.ts";

/*
 * Folders of fluid: a program `__model__`, and a file for each parameter that is named after it.
 */

/** A LoDTensor of float32 without levels: two versions and a count of 0, a description, the values. */
function stream(...values: number[]): Uint8Array {
  const header = Uint8Array.of(...new Uint8Array(16), 4, 0, 0, 0, 0x08, 5, 0x10, values.length);
  return Buffer.concat([header, new Uint8Array(new Float32Array(values).buffer)]);
}

const bytes = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));
/** A protobuf field of the given number that holds bytes. */
const field = (number: number, content: readonly number[]): number[] => [8 * number + 2, content.length, ...content];
const described = [0x08, 5, 0x10, 2];

/** VarDesc of a saved tensor: name 1, type 2, persistable 3; the type as a message, or as the number that it was at first, with the tensor in 4. */
const today = (name: string): number[] => [
  ...field(1, bytes(name)),
  ...field(2, [0x08, 7, ...field(3, field(1, described))]),
  ...[0x18, 1],
];
const old = (name: string): number[] => [...field(1, bytes(name)), ...[0x10, 1], ...[0x18, 1], ...field(4, field(1, described))];
const program = (names: readonly string[], variable: (name: string) => number[]): Uint8Array =>
  Uint8Array.from(
    field(
      1,
      names.flatMap((name) => field(3, variable(name))),
    ),
  );

async function read(files: Readonly<Record<string, Uint8Array>>, entry: string): Promise<ReadCheckpoint> {
  const ctx = createContext();
  const checkpoint = await reader.read(memoryProbe(new Map(Object.entries(files)), entry), ctx);
  await checkpoint.close();
  await ctx.dispose();
  return checkpoint;
}

const parameters = { "fc.w_0": stream(1, 2), "fc.b_0": stream(3, 4) };
const network = { __model__: program(["fc.w_0", "fc.b_0"], today), ...parameters };

test("files of parameters beside a program that declares none are listed, and the program is not used", async () => {
  const { tensors, notes } = await read({ ...parameters, __model__: program([], today) }, "");
  expect([...tensors.keys()]).toEqual(["fc.b_0", "fc.w_0"]);
  expect(notes.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    "program-unread: the program __model__ was not used (it declares no parameters, and files of parameters are beside it): each tensor has the name of its file, and no layers are listed",
  ]);
});

test("a program of an older description is not used, and the parameters are read", async () => {
  const files = { ...parameters, __model__: program(["fc.w_0", "fc.b_0"], old), README: Uint8Array.from(bytes("fc")) };
  for (const entry of ["", "__model__", "fc.w_0"]) {
    const { tensors, layers, notes, variant } = await read(files, entry);
    expect([...tensors.keys()]).toEqual(["fc.b_0", "fc.w_0"]);
    expect(layers).toEqual([]);
    expect(variant).toBe("separate parameters, no program");
    expect(notes).toEqual([
      {
        code: "program-unread",
        message:
          "the program __model__ was not used (an older form of program: the type of variable fc.w_0 is a number): each tensor has the name of its file, and no layers are listed",
      },
    ]);
  }
});

describe("a program that cannot be used, with all parameters in one file", () => {
  const __params__ = Buffer.concat([stream(3, 4), stream(1, 2)]);
  const whole = program(["fc.w_0", "fc.b_0"], today);

  test.each([
    ["of an older description", program(["fc.w_0", "fc.b_0"], old), "an older form of program: the type of variable fc.w_0 is a number"],
    ["that is cut", whole.subarray(0, whole.length - 3), "a protobuf field needs 48 bytes and 45 are left"],
    ["that is none", Uint8Array.from(bytes("<html></html>")), "not a protobuf message"],
  ])("%s leaves them without names: each says its type and shape", async (_what, __model__, why) => {
    for (const entry of ["", "__model__"]) {
      const { tensors, notes, layers } = await read({ __model__, __params__ }, entry);
      expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
        ["0", "float32", [2]],
        ["1", "float32", [2]],
      ]);
      expect(layers).toEqual([]);
      expect(notes.map(({ code }) => code)).toEqual(["program-unread"]);
      expect(notes[0]?.message).toMatch(/^the program __model__ was not used \(.*\): the tensors are numbered, and no layers are listed$/);
      expect(notes[0]?.message).toContain(why);
    }
  });

  test("and without parameters it is refused", async () => {
    await expect(read({ __model__: whole.subarray(0, whole.length - 3) }, "__model__")).rejects.toMatchObject({ code: "truncated" });
  });
});

test("a file of a parameter that the program does not list is listed where it is named", async () => {
  const files = { ...network, moving_mean: stream(5, 6, 7) };
  expect([...(await read(files, "__model__")).tensors.keys()]).toEqual(["fc.b_0", "fc.w_0"]);
  expect((await read(files, "fc.w_0")).notes).toEqual([]);
  const { tensors, notes, files: used } = await read(files, "moving_mean");
  expect(tensors.get("moving_mean")?.shape).toEqual([3]);
  expect([...tensors.keys()]).toEqual(["fc.b_0", "fc.w_0", "moving_mean"]);
  expect(used).toContain("moving_mean");
  expect(notes).toEqual([
    {
      code: "assumed",
      message: "the program beside moving_mean does not list it: it is listed because it was named, under the name of its file",
      tensor: "moving_mean",
    },
  ]);
});

test("a named file of several tensors is the parameters, whatever others are beside it", async () => {
  const files = { ...network, weights: Buffer.concat([stream(8, 9), stream(10, 11)]) };
  const { tensors, files: used } = await read(files, "weights");
  expect([...tensors.keys()]).toEqual(["fc.b_0", "fc.w_0"]);
  expect(used).toEqual(["__model__", "weights"]);
});
