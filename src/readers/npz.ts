import { npyTensor, readNpyHeader } from "../containers/npy.ts";
import type { Reader } from "../containers/probe.ts";
import type { ZipArchive } from "../containers/zip.ts";
import { CheckpointError, locate } from "../errors.ts";
import type { Checkpoint, Inert, Note } from "../tensor/checkpoint.ts";
import type { Tensor } from "../tensor/tensor.ts";

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

  async read(probe) {
    const archive = await probe.opened("zip");
    if (archive === undefined) throw new CheckpointError("malformed", "an npz has to be a zip", { file: probe.entry });
    return readNpz(archive, probe.entry, probe.source.size);
  },
};

async function readNpz(archive: ZipArchive, entry: string, bytes: number): Promise<Checkpoint> {
  const tensors = new Map<string, Tensor>();
  const metadata = new Map<string, Inert>();
  const notes: Note[] = [];
  let deflated = 0;
  for (const { name: member, method, size } of archive.entries.values()) {
    if (method !== 0) deflated++;
    const name = member.endsWith(".npy") ? member.slice(0, -4) : member;
    if (tensors.has(name))
      throw new CheckpointError("malformed", "two arrays of the archive have this name", { file: entry, tensor: name });
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
        else notes.push({ code: "unsupported-tensor", message: whyNot(header.element), tensor: name });
      } finally {
        await source.close(); // stops a decoding; it starts again when the values are read
      }
    });
  }
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

function whyNot(element: { readonly kind: string; readonly descr?: string }): string {
  if (element.kind === "object") return "an array of Python objects (a pickle) is no tensor";
  return `elements of NumPy type ${element.descr ?? element.kind} are not read`;
}
