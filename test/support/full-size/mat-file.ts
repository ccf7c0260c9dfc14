import { type Part, partsLength, text, uint16, uint32, writeSparse } from "./holes.ts";
import { convBlocks } from "./networks.ts";

/*
 * MAT-files of level 5, not compressed, as MATLAB writes them: each element has a tag (type, length in bytes) and is padded to
 * eight bytes. Types and classes: "MAT-File Format", The MathWorks, tables 1-1 to 1-3.
 */

function element(type: number, parts: readonly Part[]): readonly Part[] {
  const length = partsLength(parts);
  return [uint32(type, length), ...parts, new Uint8Array((8 - (length % 8)) % 8)];
}

function matrix(name: string, kind: number, dims: readonly number[], rest: readonly Part[]): readonly Part[] {
  const body = [...element(6, [uint32(kind, 0)]), ...element(5, [uint32(...dims)]), ...element(1, [text(name)]), ...rest];
  return [uint32(14, partsLength(body)), ...body];
}

/** A value without a name; the name comes with the field, or the variable, that it is in. */
type Value = (name: string) => readonly Part[];

/** float32 of which nobody reads a value. */
const single =
  (...dims: readonly number[]): Value =>
  (name) =>
    matrix(name, 7, dims, element(7, [4 * dims.reduce((product, size) => product * size, 1)]));

const doubles =
  (...values: readonly number[]): Value =>
  (name) =>
    matrix(name, 6, [1, values.length], element(9, [new Uint8Array(Float64Array.from(values).buffer)]));

const chars =
  (value: string): Value =>
  (name) => {
    const units = uint16(...Array.from(value, (char) => char.charCodeAt(0)));
    return matrix(name, 4, [1, value.length], element(4, [units]));
  };

const cell =
  (...values: readonly Value[]): Value =>
  (name) =>
    matrix(
      name,
      1,
      [1, values.length],
      values.flatMap((value) => value("")),
    );

/** Field names have 32 bytes each; their width is a small element, its length in the upper half of the type. */
const struct =
  (fields: Readonly<Record<string, Value>>): Value =>
  (name) => {
    const names = Object.keys(fields).flatMap((field) => [text(field), new Uint8Array(32 - field.length)]);
    const values = Object.values(fields).flatMap((value) => value(""));
    return matrix(name, 2, [1, 1], [uint32(0x40005, 32), ...element(1, names), ...values]);
  };

/** All 39 layers of VGG-Face: convolutions with their relu, pools, dropout, softmax. */
function layers(): readonly Value[] {
  const named = (name: string, type: string, fields: Readonly<Record<string, Value>> = {}): Value =>
    struct({ name: chars(name), type: chars(type), ...fields });
  const conv = (name: string, kernel: number, inputs: number, outputs: number, pad: number): Value =>
    named(name, "conv", {
      weights: cell(single(kernel, kernel, inputs, outputs), single(outputs, 1)),
      stride: doubles(1),
      pad: doubles(pad),
    });
  const list: Value[] = [];
  for (const [block, convs] of convBlocks(16).entries()) {
    for (const { name, inputs, outputs } of convs)
      list.push(conv(name, 3, inputs, outputs, 1), named(name.replace("conv", "relu"), "relu"));
    list.push(
      named(`pool${block + 1}`, "pool", { method: chars("max"), pool: doubles(2, 2), stride: doubles(2), pad: doubles(0, 0, 0, 0) }),
    );
  }
  list.push(conv("fc6", 7, 512, 4096, 0), named("relu6", "relu"), named("dropout6", "dropout", { rate: doubles(0.5) }));
  list.push(conv("fc7", 1, 4096, 4096, 0), named("relu7", "relu"), named("dropout7", "dropout", { rate: doubles(0.5) }));
  list.push(conv("fc8", 1, 4096, 2622, 0), named("prob", "softmax"));
  return list;
}

/** The mean colour of VGG-Face's pictures. */
const average = [129.1863, 104.7624, 93.594];

/**
 * VGG-Face at full size, its 580 MB of weights holes. `net`: one variable wraps layers, classes and normalization; `meta`:
 * layers and meta are variables of their own.
 */
export function writeFaceMat(path: string, layout: "net" | "meta"): void {
  const people = Array.from({ length: 2622 }, (_, k) => (k === 1 ? "Aamir_Khan" : `Person_${k}`));
  const classes = struct({ name: cell(...people.map((_, k) => chars(`n${k}`))), description: cell(...people.map(chars)) });
  const normalization = struct({
    imageSize: doubles(224, 224, 3),
    averageImage: (name) => matrix(name, 6, [1, 1, 3], element(9, [new Uint8Array(Float64Array.from(average).buffer)])),
  });
  const variables =
    layout === "net"
      ? struct({ layers: cell(...layers()), classes, normalization })("net")
      : [...cell(...layers())("layers"), ...struct({ classes, normalization })("meta")];
  const header = new Uint8Array(128).fill(0x20);
  header.set(text("MATLAB 5.0 MAT-file, Platform: GLNXA64"));
  header.set([0, 1, 0x49, 0x4d], 124);
  writeSparse(path, [header, ...variables]);
}
