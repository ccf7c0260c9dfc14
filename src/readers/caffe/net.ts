import { expectWire, fields, int64s, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { fieldPayload, sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import { VarintDecoder, type WireField } from "../../encodings/protobuf/protobuf-wire.ts";
import { CheckpointError, locate } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { type Blob, readBlob } from "./blob.ts";
import { addValue, newParameters, readDims, readParameters, v0Parameters, v1Parameters, v1TypeName } from "./parameters.ts";

/**
 * NetParameter: name 1, layers 2 (V1LayerParameter, which in the oldest files nests a V0LayerParameter), input 3, input_dim 4,
 * input_shape 8, layer 100 (LayerParameter). Blobs are found by offset; nothing is decoded as a whole.
 */
export interface CaffeNet {
  readonly name: string;
  readonly style: "V0" | "V1" | "new" | "empty";
  readonly layers: readonly CaffeLayer[];
  /** Names of the inputs, and their dimensions where the file gives them. */
  readonly inputs: readonly string[];
  readonly inputDims: readonly number[];
}

export interface CaffeLayer {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly attributes: ReadonlyMap<string, Inert>;
  readonly blobs: readonly Blob[];
}

/** Names and parameters of a layer; blobs are not among them. */
const maxSmall = 1 << 16;
/** Layers of a net; the deepest published ones have some 1,000. */
const maxLayers = 100_000;

/** Throws `malformed`, `truncated`, `unsupported`. */
export async function readNet(source: ByteSource): Promise<CaffeNet> {
  let name = "";
  let style: CaffeNet["style"] = "empty";
  const layers: CaffeLayer[] = [];
  const inputs: string[] = [];
  const inputDims: number[] = [];
  for await (const field of sourceFields(source)) {
    if (field.number === 1) name = await string(source, field);
    else if (field.number === 3) inputs.push(await string(source, field));
    else if (field.number === 4) inputDims.push(...(await ints(source, field)));
    else if (field.number === 8) inputDims.push(...readDims(await fieldPayload(source, field, maxSmall, "the input's shape")));
    else if (field.number === 2 || field.number === 100) {
      expectWire(field, 2, "a layer");
      if (layers.length >= maxLayers)
        throw new CheckpointError("unsupported", `the net has more than ${maxLayers} layers`, { file: source.name });
      const layer = await locate({ file: source.name, offset: field.offset }, () =>
        field.number === 100 ? readLayer(source, field) : readOldLayer(source, field),
      );
      style = layer.style;
      layers.push(layer);
    }
  }
  return { name, style, layers, inputs, inputDims };
}

interface Draft {
  name: string;
  type: string;
  style: CaffeNet["style"];
  readonly bottoms: string[];
  readonly tops: string[];
  readonly attributes: Map<string, Inert>;
  readonly blobs: WireField[];
}

type ReadLayer = CaffeLayer & { readonly style: CaffeNet["style"] };

function draft(style: CaffeNet["style"]): Draft {
  return { name: "", type: "", style, bottoms: [], tops: [], attributes: new Map(), blobs: [] };
}

/** LayerParameter: name 1, type 2, bottom 3, top 4, blobs 7, parameters from 106 on. */
async function readLayer(source: ByteSource, place: WireField): Promise<ReadLayer> {
  const layer = draft("new");
  for await (const field of sourceFields(source, place.offset, place.offset + place.length)) {
    const parameters = newParameters.get(field.number);
    if (field.number === 1) layer.name = await string(source, field);
    else if (field.number === 2) layer.type = await string(source, field);
    else if (field.number === 3) layer.bottoms.push(await string(source, field));
    else if (field.number === 4) layer.tops.push(await string(source, field));
    else if (field.number === 7) layer.blobs.push(field);
    else if (parameters !== undefined) {
      layer.attributes.set(parameters[0], readParameters(await fieldPayload(source, field, maxSmall, parameters[0]), parameters[1]));
    }
  }
  return withBlobs(source, layer);
}

/** V1LayerParameter: layer 1 (V0), bottom 2, top 3, name 4, type 5, blobs 6, parameters. */
async function readOldLayer(source: ByteSource, place: WireField): Promise<ReadLayer> {
  const layer = draft("V1");
  for await (const field of sourceFields(source, place.offset, place.offset + place.length)) {
    const parameters = v1Parameters.get(field.number);
    if (field.number === 1) await readV0(source, field, layer);
    else if (field.number === 2) layer.bottoms.push(await string(source, field));
    else if (field.number === 3) layer.tops.push(await string(source, field));
    else if (field.number === 4) layer.name = await string(source, field);
    else if (field.number === 5) layer.type = v1TypeName(uint32(field, "the type of a layer"));
    else if (field.number === 6) layer.blobs.push(field);
    else if (parameters !== undefined) {
      layer.attributes.set(parameters[0], readParameters(await fieldPayload(source, field, maxSmall, parameters[0]), parameters[1]));
    }
  }
  return withBlobs(source, layer);
}

/** V0LayerParameter: name 1, type 2, its parameters as fields of its own, blobs 50. */
async function readV0(source: ByteSource, place: WireField, layer: Draft): Promise<void> {
  expectWire(place, 2, "a V0 layer");
  layer.style = "V0";
  for await (const field of sourceFields(source, place.offset, place.offset + place.length)) {
    const parameter = v0Parameters.get(field.number);
    if (field.number === 1) layer.name = await string(source, field);
    else if (field.number === 2) layer.type = await string(source, field);
    else if (field.number === 50) layer.blobs.push(field);
    else if (parameter !== undefined && field.wire !== 2) {
      const value = readParameters(await scalarBytes(source, field), v0Parameters).get(parameter[0]);
      if (value !== undefined) addValue(layer.attributes, parameter[0], value);
    }
  }
}

/** A scalar field again with its tag, as a message of its own. */
async function scalarBytes(source: ByteSource, field: WireField): Promise<Uint8Array> {
  const tag = field.number * 8 + field.wire;
  const head = tag < 0x80 ? [tag] : [(tag % 0x80) + 0x80, Math.floor(tag / 0x80)];
  return Uint8Array.from([...head, ...(await source.read(field.offset, field.length))]);
}

async function withBlobs(source: ByteSource, layer: Draft): Promise<ReadLayer> {
  const blobs: Blob[] = [];
  for (const field of layer.blobs) {
    const tensor = `${layer.name}.${blobs.length}`;
    blobs.push(
      await locate({ tensor, offset: field.offset }, async () => {
        expectWire(field, 2, "a blob");
        return readBlob(source, field.offset, field.length);
      }),
    );
  }
  return { ...layer, blobs };
}

async function string(source: ByteSource, field: WireField): Promise<string> {
  return new TextDecoder().decode(await fieldPayload(source, field, maxSmall, "a name"));
}

async function ints(source: ByteSource, field: WireField): Promise<readonly number[]> {
  const bytes = field.wire === 2 ? await fieldPayload(source, field, maxSmall, "input dimensions") : await scalarBytes(source, field);
  if (field.wire === 2) return [...int64s({ ...field, bytes }, "input dimensions")];
  return [...fields(bytes)].flatMap((inner) => [...int64s(inner, "input dimensions")]);
}

/** Fields of NetParameter before its first layer, by number: the wire types they can have. */
const netFields: ReadonlyMap<number, readonly number[]> = new Map([
  [1, [2]],
  [3, [2]],
  [4, [0, 2]],
  [5, [0]],
  [6, [2]],
  [7, [0]],
  [8, [2]],
]);

/** Whether the head of a file is a NetParameter's: known fields, then a layer that begins as one. */
export function beginsAsNet(head: Uint8Array): boolean {
  const varint = new VarintDecoder();
  let at = 0;
  for (let count = 0; count < 64; count++) {
    if (at >= head.length || !varint.decode(head, at, {})) return false;
    const number = varint.low >>> 3;
    const wire = varint.low & 7;
    at = varint.next;
    if (!varint.decode(head, at, {})) return false;
    if ((number === 2 || number === 100) && wire === 2) return beginsAsLayer(head.subarray(varint.next), number === 100);
    if ((number === 1 || number === 3) && varint.low > 0 && !isPlain(head.subarray(varint.next, varint.next + varint.low))) return false;
    if (!(netFields.get(number)?.includes(wire) ?? false)) return false;
    at = wire === 0 ? varint.next : varint.next + varint.low;
  }
  return false;
}

/** LayerParameter: a name. V1: a bottom, a top, a name, or a V0 layer, which has a name. */
function beginsAsLayer(head: Uint8Array, isNew: boolean): boolean {
  const [tag, length = 0] = head;
  const first = head.subarray(2, 2 + length);
  if (tag === 0x0a && isNew) return isPlain(first);
  // A V0 layer with its blobs has a length of several bytes: its own first field comes behind them.
  const inner = head.subarray(1 + head.subarray(1, 11).findIndex((byte) => byte < 0x80) + 1);
  if (tag === 0x0a) return inner[0] === 0x0a && isPlain(inner.subarray(2, 2 + (inner[1] ?? 0)));
  return !isNew && (tag === 0x12 || tag === 0x1a || tag === 0x22) && isPlain(first);
}

/** A name: at least one character and no control characters. */
function isPlain(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte !== 0x7f);
}
