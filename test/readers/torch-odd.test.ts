import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { openBytes } from "../../src/open.ts";
import { zip } from "../support/zip.ts";

/*
 * Pickles of PyTorch by hand: forms that the PyTorch of today does not write any more, and forms that two readers could take differently.
 */

const text = (latin1: string): Uint8Array => Uint8Array.from(latin1, (char) => char.charCodeAt(0));
const floats = (...values: number[]): Uint8Array => new Uint8Array(new Float32Array(values).buffer);

/** ("storage", class, key, "cpu", count) as a persistent id. */
const storage = (key: string, count: number, type = "Float"): string =>
  `(U\x07storagectorch\n${type}Storage\nU\x01${key}U\x03cpuK${String.fromCharCode(count)}tQ`;
/** A tensor of one axis, as torch._utils._rebuild_tensor makes it. */
const tensor = (key: string, count: number, type?: string): string =>
  `ctorch._utils\n_rebuild_tensor\n(${storage(key, count, type)}K\x00K${String.fromCharCode(count)}\x85K\x01\x85tR`;
const item = (name: string, value: string): string => `U${String.fromCharCode(name.length)}${name}${value}`;

function archive(pickle: string, members: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zip([
    { name: "x/data.pkl", data: text(`\x80\x02${pickle}.`) },
    ...Object.entries(members).map(([name, data]) => ({ name: `x/${name}`, data })),
  ]);
}

/** "name [shape] first values", of all tensors; an error as "code: message". */
async function read(bytes: Uint8Array): Promise<readonly string[] | string> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await openBytes(bytes, "m.pt", ctx);
    const lines: string[] = [];
    for (const found of checkpoint.tensors.values()) {
      if (found.dtype !== "float32") throw new Error(found.dtype);
      const [part] = await found.parts();
      const raw = part === undefined ? new Uint8Array(0) : await part.source.read(part.offset, 4 * (found.shape[0] ?? 1));
      lines.push(`${found.name} ${found.kind ?? ""} ${[...new Float32Array(raw.slice().buffer)].join(" ")}`);
    }
    return lines;
  } catch (error) {
    return error instanceof Error && "code" in error ? `${error.code}: ${error.message}` : String(error);
  } finally {
    await ctx.dispose();
  }
}

/** A tensor of two axes, n × m. */
const matrix = (key: string, n: number, m: number): string =>
  `ctorch._utils\n_rebuild_tensor\n(${storage(key, n * m)}K\x00K${String.fromCharCode(n)}K${String.fromCharCode(m)}\x86K${String.fromCharCode(m)}K\x01\x86tR`;
/** An object of a class with a state. */
const object = (path: string, state: string): string => `c${path}\n)\x81${state}b`;
const quantised = "torch.ao.nn.quantized.modules";

describe("whole modules that keep tensors elsewhere than in their dicts", () => {
  const members = { "data/0": floats(1, 2, 3, 4), "data/1": floats(5, 6) };
  const [weight, bias] = [matrix("0", 2, 2), tensor("1", 2)];
  const module = (attributes: string): string => object("mine\nNet", `}${item("_modules", "}")}s${attributes}`);
  const dense = (packed: string): string =>
    object(`${quantised}.linear\nLinear`, `}(${item("_modules", `}${item("_packed_params", packed)}s`)}u`);

  test.each([
    [
      "a quantised convolution: settings, weight, bias, scale, zero point, training",
      object(
        `${quantised}.conv\nConv2d`,
        `(K\x02K\x02K\x01K\x01\x86K\x01K\x01\x86K\x00K\x00\x86K\x01K\x01\x86\x89K\x00K\x00\x86K\x01U\x05zeros${weight}${bias}G?\xf0\x00\x00\x00\x00\x00\x00K\x00\x89t`,
      ),
      ["weight  1 2", "bias  5 6"],
    ],
    [
      "a dense layer's packed weights: an object of the script runtime",
      dense(
        object(
          `${quantised}.linear\nLinearPackedParams`,
          `}${item("_modules", "}")}s${item("_packed_params", object("torch\nScriptObject", `${weight}${bias}\x86U\x08a.class.\x86`))}s`,
        ),
      ),
      ["_packed_params._packed_params.0  1 2", "_packed_params._packed_params.1  5 6"],
    ],
    [
      "the same before 1.7: weight, bias, training",
      dense(object("torch.nn.quantized.modules.linear\nLinearPackedParams", `${weight}${bias}\x88\x87`)),
      ["_packed_params._packed_params.0  1 2", "_packed_params._packed_params.1  5 6"],
    ],
    [
      "a bias that is not there",
      dense(object(`${quantised}.linear\nLinearPackedParams`, `${weight}N\x88\x87`)),
      ["_packed_params._packed_params.0  1 2"],
    ],
    [
      "layers in a plain list, which state_dict() leaves out",
      module(`${item("convs", `](${object("torch.nn.modules.conv\nConv2d", `}${item("_parameters", `}${item("bias", bias)}s`)}s`)}e`)}s`),
      ["convs.0.bias  5 6"],
    ],
  ])("%s", async (_, pickled, lines) => {
    expect(await read(archive(pickled, members))).toEqual(lines);
  });
});

describe("parameters of PyTorch before 0.4", () => {
  const members = { "data/0": floats(1, 2), "data/1": floats(3) };
  const parameter = "ctorch.nn.parameter\nParameter\n";

  test.each([
    ["0.1.10 to 0.3: the data as argument, (requires_grad, volatile, hooks) as state", `${parameter}${tensor("0", 2)}\x85R\x88\x89N\x87b`],
    ["the same by NEWOBJ", `${parameter}${tensor("0", 2)}\x85\x81\x88\x89N\x87b`],
    ["the same by protocol 1", `ccopy_reg\n__newobj__\n(${parameter}${tensor("0", 2)}tR(\x88\x89Ntb`],
    ["0.1: (data, gradient, hooks, requires_grad, volatile) as state", `${parameter})R(${tensor("0", 2)}NN\x88\x89tb`],
    ["0.4 on", `ctorch._utils\n_rebuild_parameter\n${tensor("0", 2)}\x88}\x87R`],
  ])("%s", async (_, pickled) => {
    const file = archive(`}${item("w", pickled)}s${item("b", tensor("1", 1))}s`, members);
    expect(await read(file)).toEqual(["w parameter 1 2", "b  3"]);
  });

  test("a tensor that was kept for another device", async () => {
    const wrapped = (dtype: string): string =>
      `ctorch._utils\n_rebuild_device_tensor_from_cpu_tensor\n(${tensor("0", 2)}ctorch\n${dtype}\nU\x03hpu\x89tR`;
    expect(await read(archive(`}${item("w", wrapped("float32"))}s`, members))).toEqual(["w  1 2"]);
    expect(await read(archive(`}${item("w", wrapped("float64"))}s`, members))).toEqual([]);
  });
});

describe("what PyTorch could read in another way", () => {
  test("a rebuilt tensor that gets a storage by BUILD is refused, training state is not", async () => {
    const members = { "data/0": floats(1, 2), "data/1": floats(3, 4) };
    const replaced = `${tensor("0", 2)}(${storage("1", 2)}K\x00K\x02\x85K\x01\x85tb`;
    expect(await read(archive(`}${item("w", replaced)}s`, members))).toMatch(/^unsupported: a pickled array gets another state/);
    expect(await read(archive(`}${item("w", `${tensor("0", 2)}\x88\x89N\x87b`)}s`, members))).toEqual(["w  1 2"]);
  });

  test("one storage under two types", async () => {
    const file = archive(`}${item("a", tensor("0", 2))}s${item("b", tensor("0", 2, "Int"))}s`, { "data/0": floats(1, 2) });
    expect(await read(file)).toBe("malformed: storage 0 is named as 2 × float32 and as 2 × int32");
  });

  test("members that differ only in case", async () => {
    const file = archive(`}${item("a", tensor("0", 2))}s`, { "data/0": floats(1, 2), "DATA/0": floats(3, 4) });
    expect(await read(file)).toMatch(/^malformed: the members x\/data\/0 and x\/DATA\/0 differ only in case/);
    const sources = { "data/0": floats(1, 2), "code/a.py": text("1"), "code/A.py": text("2") };
    expect(await read(archive(`}${item("a", tensor("0", 2))}s`, sources))).toEqual(["a  1 2"]);
  });
});

test("keys of bytes are the texts that they are", async () => {
  const bytes = text(`\x80\x03}C\x07conv1_1}C\x07weights${tensor("0", 2)}sC\x02\x00\x01${tensor("0", 2)}ss.`);
  const file = zip([
    { name: "x/data.pkl", data: bytes },
    { name: "x/data/0", data: floats(1, 2) },
  ]);
  expect(await read(file)).toEqual(["conv1_1.weights  1 2", "conv1_1.b'\x00\x01'  1 2"]);
});
