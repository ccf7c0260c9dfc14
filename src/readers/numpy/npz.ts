import type { ZipArchive } from "../../encodings/archive/zip.ts";
import { descrOf, npyTensor, readNpyHeader } from "../../encodings/npy/npy.ts";
import { readNpyObjects } from "../../encodings/npy/npy-objects.ts";
import type { UnknownObjects } from "../../encodings/pickle/unknown.ts";
import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError, locate } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { freeName, renamedNote } from "../../tensor/free-name.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/*
 * .npz (numpy/lib/_npyio_impl.py): a zip with one NAME.npy for each array, stored or deflated. Members that do not end
 * in .npy are arrays too where they start like one, else plain bytes.
 */

/** Members that are no arrays are kept as metadata up to this size, enough for any version or label. */
const maxPlain = 64 * 1024;

export const reader: Reader = {
  async detect(probe) {
    const archive = await probe.opened("zip");
    if (archive === undefined) return undefined;
    const names = [...archive.entries.keys()];
    const arrays = names.filter((name) => name.endsWith(".npy")).length;
    if (arrays === names.length) return arrays > 0 || probe.entry.endsWith(".npz") ? "sure" : undefined;
    return arrays > 0 ? "maybe" : undefined;
  },

  async read(probe, ctx) {
    const archive = await probe.opened("zip");
    if (archive === undefined) throw new CheckpointError("malformed", "an npz has to be a zip", { file: probe.entry });
    return readNpz(archive, probe.entry, probe.source.size, ctx);
  },
};

async function readNpz(archive: ZipArchive, entry: string, bytes: number, ctx: Context): Promise<ReadCheckpoint> {
  await ctx.expect?.(archive.entries.size);
  const tensors = new Map<string, Tensor>();
  const metadata = new Map<string, Inert>();
  const notes: Note[] = [];
  const unknown: UnknownObjects[] = [];
  let deflated = 0;
  const addObjects = async (name: string, source: ByteSource, offset: number): Promise<void> => {
    const objects = await readNpyObjects(ctx.random(source), offset, { name, taken: tensors });
    for (const [key, tensor] of objects.tensors) tensors.set(key, tensor);
    for (const [key, value] of objects.metadata) metadata.set(freeName(metadata, key), value);
    notes.push(...objects.notes, ...objects.unknown.notes());
    if (objects.unknown.size > 0) unknown.push(objects.unknown);
  };
  for (const { name: member, method, size } of archive.entries.values()) {
    if (method !== 0) deflated++;
    const plainName = member.endsWith(".npy") ? member.slice(0, -4) : member;
    // A path inside an array of objects may be the name of another member.
    const name = freeName(tensors, plainName);
    if (name !== plainName) notes.push(renamedNote(plainName, name));
    await locate({ file: entry, tensor: name }, async () => {
      const source = await archive.open(member);
      if (source === undefined) return;
      try {
        if (!member.endsWith(".npy")) {
          if (size <= maxPlain) metadata.set(name, await source.read(0, size));
          else notes.push({ code: "unknown-object", message: `member ${member} of ${size} bytes is no array` });
          return;
        }
        const header = await readNpyHeader(source);
        const tensor = npyTensor(name, source, header);
        if (tensor !== undefined) tensors.set(name, tensor);
        else if (header.element.kind === "object") await addObjects(name, source, header.dataOffset);
        else notes.push({ code: "unsupported-tensor", message: `elements of NumPy type ${descrOf(header)} are not read`, tensor: name });
      } finally {
        await source.close(); // stops a decoding; it starts again when the values are read
      }
    });
  }
  const [first] = unknown;
  if (tensors.size === 0 && first !== undefined) throw first.refusal(entry);
  return {
    format: "npz",
    variant: deflated === 0 ? "stored" : "deflated",
    files: [entry],
    bytes,
    tensors,
    layers: [],
    metadata,
    notes,
    close: async () => {},
  };
}
