import { type Part, partsLength, text, uint16, uint32, writeSparse } from "./holes.ts";

/*
 * State dicts as torch.save and Paddle write them: pickle protocol 2, opcode by opcode, without a memo.
 */

/** Names and shapes, in the order of the file; float32. */
export type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

const op = (letters: string): Uint8Array => Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
const str = (value: string): readonly Part[] => [op("X"), uint32(text(value).length), text(value)];
const int = (value: number): readonly Part[] => [op("J"), uint32(value)];
const tuple = (...parts: readonly Part[]): readonly Part[] => [op("("), ...parts, op("t")];
const global = (module: string, name: string): Part => op(`c${module}\n${name}\n`);
const call = (module: string, name: string, ...args: readonly Part[]): readonly Part[] => [
  global(module, name),
  ...tuple(...args),
  op("R"),
];
const no = op("\x89");

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function dict(entries: readonly (readonly [string, readonly Part[]])[]): readonly Part[] {
  return [op("}("), ...entries.flatMap(([name, value]) => [...str(name), ...value]), op("u")];
}

/**
 * Paddle's state dict as NumPy arrays whose bytes are latin-1 text in UTF-8. The texts of matrices are `stretch` times as long as their
 * bytes, as those above 127 take two; they are holes, which can be listed and not read. Vectors are zeros.
 */
export function writeTextPickle(path: string, shapes: Shapes, stretch: number): void {
  const encoded = (length: number | string): readonly Part[] => {
    const body: readonly Part[] = typeof length === "string" ? str(length) : [op("X"), uint32(length), length];
    return call("_codecs", "encode", ...body, ...str("latin1"));
  };
  const empty = [global("numpy", "ndarray"), ...tuple(...int(0)), ...encoded("b")];
  const dtype = [
    ...call("numpy", "dtype", ...str("f4"), no, op("\x88")),
    ...tuple(...int(3), ...str("<"), op("NNN"), ...int(2 ** 32 - 1), ...int(2 ** 32 - 1), ...int(0)),
    op("b"),
  ];
  const arrays = shapes.map(([name, shape]): readonly [string, readonly Part[]] => {
    const length = Math.round((shape.length > 1 ? stretch : 1) * 4 * count(shape));
    const state = tuple(...int(1), ...tuple(...shape.flatMap(int)), ...dtype, no, ...encoded(length));
    return [name, [...call("numpy.core.multiarray", "_reconstruct", ...empty), ...state, op("b")]];
  });
  writeSparse(path, [op("\x80\x02"), ...dict(arrays), op(".")]);
}

/** torch.save of a state dict: a zip of stored members, each storage a hole. */
export function writeTorchZip(path: string, shapes: Shapes): void {
  const tensors = shapes.map(([name, shape], k): readonly [string, readonly Part[]] => {
    const storage = tuple(...str("storage"), global("torch", "FloatStorage"), ...str(String(k)), ...str("cpu"), ...int(count(shape)));
    const strides = shape.map((_, axis) => count(shape.slice(axis + 1)));
    const args = [...storage, op("Q"), ...int(0), ...tuple(...shape.flatMap(int)), ...tuple(...strides.flatMap(int)), no];
    return [name, call("torch._utils", "_rebuild_tensor_v2", ...args, ...call("collections", "OrderedDict"))];
  });
  const members: readonly (readonly [string, readonly Part[]])[] = [
    ["archive/data.pkl", [op("\x80\x02"), ...dict(tensors), op(".")]],
    ["archive/byteorder", [text("little")]],
    ...shapes.map(([, shape], k): readonly [string, readonly Part[]] => [`archive/data/${k}`, [4 * count(shape)]]),
    ["archive/version", [text("3\n")]],
  ];
  writeSparse(path, zip(members));
}

/** Members as they are; checksums of holes are not worth their time and stay 0. */
function zip(members: readonly (readonly [name: string, parts: readonly Part[]])[]): readonly Part[] {
  const body: Part[] = [];
  const directory: Part[] = [];
  for (const [name, parts] of members) {
    const size = partsLength(parts);
    const offset = partsLength(body);
    // version, flags, method 0, time, date
    const common: readonly Part[] = [uint16(10, 0, 0, 0, 0), uint32(0, size, size), uint16(name.length, 0)];
    directory.push(op("PK\x01\x02"), uint16(10), ...common, uint16(0, 0, 0), uint32(0, offset), text(name));
    body.push(op("PK\x03\x04"), ...common, text(name), ...parts);
  }
  const end = [
    op("PK\x05\x06"),
    uint16(0, 0, members.length, members.length),
    uint32(partsLength(directory), partsLength(body)),
    uint16(0),
  ];
  return [...body, ...directory, ...end];
}
