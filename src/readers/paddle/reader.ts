import type { Probe, Reader } from "../../encodings/probe.ts";
import { isCheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { findStatic, programOf } from "./files.ts";
import { looksLikeLodTensor } from "./lod-tensor.ts";
import { readPickled } from "./pickled.ts";
import { openProgram, readStatic } from "./static.ts";

/*
 * PaddlePaddle: pickled state dicts and optimizers, streams of tensors, programs with their parameters, folders of fluid. Content decides what
 * a file is; only a program (a bare protobuf message) and files without a name inside are recognised by their own names.
 */
export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "folder") return (await findStatic(probe)) === undefined ? undefined : "sure";
    if (isPickle(probe)) {
      if (/\.pd\w+(\.info)?$/.test(probe.entry)) return "sure";
      // PyTorch's own pickles name its storages at once; a reader of its own takes those.
      return latin1(probe.head).includes("torch") ? undefined : "maybe";
    }
    if (looksLikeLodTensor(probe.head)) return "sure";
    return (await findStatic(probe)) === undefined ? undefined : "sure";
  },

  async read(probe) {
    if (probe.container !== "folder" && isPickle(probe) && !probe.entry.endsWith(".info")) return withProgram(probe);
    const files = await findStatic(probe);
    if (files !== undefined) return readStatic(probe.entry === "" ? probe.set : withEntry(probe), files);
    return readPickled(probe.source, probe.entry);
  },
};

/** PROTO of 2 to 5, or what protocols 0 and 1 begin a dict, a list or a call with. */
function isPickle(probe: Probe): boolean {
  const { head, entry } = probe;
  if (head[0] === 0x80 && (head[1] ?? 255) <= 5) return true;
  if (/^(\(dp?\d*\n|\(lp?\d*\n|\}q|\]q|ccollections\nOrderedDict\n|cnumpy)/.test(latin1(head.subarray(0, 64))))
    return /\.(pkl|pickle|p)$/i.test(entry);
  return false;
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** The named file may be in memory or an archive where the set does not have it. */
function withEntry(probe: Probe): FileSet {
  const { source } = probe;
  const own: ByteSource = {
    name: source.name,
    size: source.size,
    access: source.access,
    read: (offset, length, into) => source.read(offset, length, into),
    close: async () => {},
  };
  const { set } = probe;
  return { name: set.name, open: async (name) => (name === probe.entry ? own : set.open(name)), list: () => set.list() };
}

/** A pickle of a static graph's variables has the program beside it, which knows the layers. */
async function withProgram(probe: Probe): Promise<ReadCheckpoint> {
  const checkpoint = await readPickled(probe.source, probe.entry);
  const stem = /^(.*)\.pdparams$/.exec(probe.entry)?.[1];
  const name = stem === undefined ? undefined : await programOf(probe.set, stem);
  const source = name === undefined ? undefined : await probe.set.open(name);
  if (source === undefined || name === undefined) return checkpoint;
  try {
    const program = await openProgram(source);
    // Left from another save: a program of other variables says nothing about this file.
    if (!program.layers.some((layer) => layer.tensors.some((tensor) => checkpoint.tensors.has(tensor)))) return checkpoint;
    return {
      ...checkpoint,
      variant: `${checkpoint.variant}, ${program.version}`,
      files: [...checkpoint.files, name],
      bytes: checkpoint.bytes + source.size,
      layers: program.layers,
      ...(program.input !== undefined && { metadata: new Map([...checkpoint.metadata, ["input", program.input]]) }),
    };
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    const note: Note = {
      code: "assumed",
      message: `the program ${name} beside it cannot be read (${error.message}): its layers are not listed`,
    };
    return { ...checkpoint, notes: [...checkpoint.notes, note] };
  } finally {
    await source.close();
  }
}
