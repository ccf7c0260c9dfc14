import { baseName, folderOf } from "../../encodings/file-names.ts";
import { isObject, parseJsonBytes } from "../../encodings/json/json.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError, isCheckpointError, locate } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type NdArrayFile, readNdArrays } from "./ndarray.ts";

/*
 * MXNet: `prefix-0007.params` of Module.save_checkpoint (names arg:… and aux:…), `.params` of Gluon (names as they are), and the
 * symbol `prefix-symbol.json`, from which the layers are taken where it fits.
 */

const paramsSuffix = ".params";
const symbolSuffix = "-symbol.json";
const maxSymbol = 16 << 20;

export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "mxnet") return "sure";
    if (probe.container !== "json" || !probe.entry.endsWith(symbolSuffix)) return undefined;
    return (await paramsOf(probe)) === undefined ? "maybe" : "sure";
  },

  async read(probe) {
    if (probe.container === "mxnet" || !probe.entry.endsWith(symbolSuffix))
      return readParams(probe.set, probe.entry, probe.source, async () => {});
    const entry = await paramsOf(probe);
    const source = entry === undefined ? undefined : await probe.set.open(entry);
    if (entry === undefined || source === undefined) {
      const message = `this is the symbol of an MXNet model, which holds no weights; one ${paramsSuffix} file with its prefix is needed beside it`;
      throw new CheckpointError("not-found", message, { file: probe.entry });
    }
    try {
      return await readParams(probe.set, entry, source, () => source.close());
    } catch (error) {
      await source.close();
      throw error;
    }
  },
};

/** The only weights of a symbol's prefix: `prefix-NNNN.params` or `prefix.params`. */
async function paramsOf(probe: Probe): Promise<string | undefined> {
  const prefix = probe.entry.slice(0, -symbolSuffix.length);
  const fitting = ((await probe.set.list()) ?? []).filter(
    (name) => name.startsWith(prefix) && /^(-\d+)?\.params$/.test(name.slice(prefix.length)),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

async function readParams(set: FileSet, entry: string, source: ByteSource, close: () => Promise<void>): Promise<ReadCheckpoint> {
  const file = await locate({ file: source.name }, () => readNdArrays(source));
  const notes: Note[] = [];
  const tensors = buildTensors(file, source, notes);
  const symbol = await readSymbol(set, entry, tensors, notes);
  return {
    format: "mxnet",
    variant: `NDArray ${file.names.length === 0 && file.arrays.length > 0 ? "list" : "dictionary"}, version ${file.version}`,
    files: symbol === undefined ? [entry] : [entry, symbol.name],
    bytes: source.size + (symbol?.bytes ?? 0),
    tensors,
    layers: symbol?.layers ?? [],
    metadata: new Map(),
    notes,
    close,
  };
}

function buildTensors({ arrays, names }: NdArrayFile, source: ByteSource, notes: Note[]): ReadonlyMap<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const seen = new Set<string>();
  arrays.forEach(({ dtype, what, shape, offset }, k) => {
    const name = names[k] ?? String(k);
    if (seen.has(name)) throw new CheckpointError("malformed", "the file has two arrays of this name", { file: source.name, tensor: name });
    seen.add(name);
    if (dtype !== undefined) {
      const kind = name.startsWith("aux:") ? ({ kind: "buffer" } as const) : {};
      tensors.set(name, contiguous({ name, dtype, shape, source, offset, ...kind }));
      return;
    }
    const message = what === "none" ? "it has no values" : `it is stored as ${what}, which is no plain array`;
    notes.push({ code: "unsupported-tensor", message, tensor: name, offset });
  });
  return tensors;
}

interface SymbolFile {
  readonly name: string;
  readonly bytes: number;
  readonly layers: readonly LayerRecord[];
}

/** `prefix-symbol.json` of `prefix-0007.params` or `prefix.params`; a damaged one is reported and left aside. */
async function readSymbol(
  set: FileSet,
  entry: string,
  tensors: ReadonlyMap<string, Tensor>,
  notes: Note[],
): Promise<SymbolFile | undefined> {
  const prefix = baseName(entry).replace(/(-\d+)?\.params$/, "");
  const name = `${folderOf(entry)}${prefix}${symbolSuffix}`;
  const source = await set.open(name);
  if (source === undefined) return undefined;
  try {
    if (source.size > maxSymbol) throw new CheckpointError("unsupported", `it has ${source.size} bytes, at most ${maxSymbol} are read`);
    const layers = symbolLayers(parseJsonBytes(await source.read(0, source.size), name), tensors);
    return { name, bytes: source.size, layers };
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    notes.push({ code: "assumed", message: `${name} beside the weights could not be read (${error.message}): the layers are unknown` });
    return undefined;
  } finally {
    await source.close();
  }
}

/** Symbol JSON: nodes [{op, name, attrs (older: attr, param), inputs [[node, output, version]]}]; op "null" is a variable. */
function symbolLayers(json: unknown, tensors: ReadonlyMap<string, Tensor>): readonly LayerRecord[] {
  const list = isObject(json) ? json.get("nodes") : undefined;
  if (!Array.isArray(list)) throw new CheckpointError("malformed", "the symbol has no list of nodes");
  const nodes = list.filter((node) => isObject(node));
  if (nodes.length !== list.length) throw new CheckpointError("malformed", "a node of the symbol is no object");
  const nameOf = (node: ReadonlyMap<string, unknown> | undefined): string => {
    const name = node?.get("name");
    return typeof name === "string" ? name : "";
  };
  const keyOf = (name: string): string | undefined => [`arg:${name}`, `aux:${name}`, name].find((key) => tensors.has(key));
  return nodes.flatMap((node): readonly LayerRecord[] => {
    const type = node.get("op");
    if (typeof type !== "string" || type === "null") return [];
    const inputs = inputNodes(node.get("inputs")).map((index) => nameOf(nodes[index]));
    const keys = inputs.map(keyOf);
    return [
      {
        name: nameOf(node),
        type,
        attributes: attributesOf(node),
        inputs: inputs.filter((_, k) => keys[k] === undefined),
        tensors: keys.filter((key) => key !== undefined),
      },
    ];
  });
}

function inputNodes(value: unknown): readonly number[] {
  if (!Array.isArray(value)) return [];
  return value.map((input: unknown) => (Array.isArray(input) ? input[0] : undefined)).filter((index) => typeof index === "number");
}

/** Attributes are text: tuples of numbers and truth values are taken for what they are. */
function attributesOf(node: ReadonlyMap<string, unknown>): ReadonlyMap<string, Inert> {
  const attributes = new Map<string, Inert>();
  for (const key of ["param", "attr", "attrs"]) {
    const group = node.get(key);
    if (!isObject(group)) continue;
    for (const [name, value] of group) if (typeof value === "string") attributes.set(name, attributeValue(value));
  }
  return attributes;
}

function attributeValue(text: string): Inert {
  if (text === "True" || text === "False") return text === "True";
  const tuple = /^[([]([-\d., e+]*)[)\]]$/.exec(text)?.[1];
  if (tuple === undefined) return text;
  return tuple
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
}
