import { tarSet } from "../../encodings/archive/tar.ts";
import { openZip, type ZipArchive } from "../../encodings/archive/zip.ts";
import { readPickle } from "../../encodings/pickle/machine.ts";
import { bytesValue } from "../../encodings/pickle/standard.ts";
import { type ObjectRecord, PersistentId, Slice } from "../../encodings/pickle/values.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { window } from "../../io/source/window.ts";
import type { ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { type Tensor, withInfo } from "../../tensor/tensor.ts";
import { type CollectedTensors, type CollectOptions, collectTensors } from "./collect.ts";
import { exportPrefix, readExported } from "./export.ts";
import { looksLikeLegacy, readLegacy } from "./legacy.ts";
import { interpretTorch, type StorageId, storageId } from "./records.ts";
import type { StorageSet } from "./storages.ts";
import { readTar } from "./tar.ts";
import { asTorch, openTorchZip, readMember, torchPrefix, zipStorages } from "./zip.ts";

/*
 * PyTorch: zip (torch 1.6 on), the stream before that, the tar before that, TorchScript, torch.export, bare pickles of tensors. The
 * content decides; a `.pth.tar` is hardly ever a tar.
 */
export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "zip") {
      const archive = await probe.opened("zip");
      if (archive === undefined) return undefined;
      return torchPrefix(archive) !== undefined || exportPrefix(archive) !== undefined || archive.entries.has(oldExport)
        ? "sure"
        : undefined;
    }
    if (probe.container === "tar") return (await isTorchTar(probe)) ? "sure" : undefined;
    if (looksLikeLegacy(probe.head)) return "sure";
    return isBarePickle(probe) ? "maybe" : undefined;
  },

  async read(probe, ctx) {
    const archive = probe.container === "zip" ? await probe.opened("zip") : undefined;
    if (archive !== undefined) return readArchive(probe, asTorch(archive), ctx);
    if (probe.container === "tar") {
      const tar = await readTar(await tarSet(probe.source), probe.entry);
      return checkpoint(
        probe,
        `tar, pickle protocol ${tar.protocol}`,
        await collectTensors(tar.root, tar.storages, { file: probe.entry, known: tar.known }),
      );
    }
    if (looksLikeLegacy(probe.head)) {
      const { root, storages, protocol } = await readLegacy(probe.source);
      return checkpoint(probe, `legacy stream, pickle protocol ${protocol}`, await collectTensors(root, storages, { file: probe.entry }));
    }
    const { value, protocol } = await readPickle(probe.source, 0, { interpret: interpretTorch });
    const options: CollectOptions = { file: probe.entry, embedded };
    return checkpoint(probe, `bare pickle, protocol ${protocol}`, await collectTensors(value, noStorages, options));
  },
};

/** torch.export before 2.8 kept the state dict as a torch.save file inside. */
const oldExport = "serialized_state_dict.pt";

async function readArchive(probe: Probe, archive: ZipArchive, ctx: Context): Promise<ReadCheckpoint> {
  const exported = exportPrefix(archive);
  if (exported !== undefined) {
    const { bigEndian } = await openTorchZip(archive, exported);
    const { tensors, notes } = await readExported(archive, exported, bigEndian);
    return checkpoint(probe, "exported program (pt2)", { tensors, layers: [], metadata: new Map(), notes });
  }
  const inner = await archive.open(oldExport);
  if (inner !== undefined) {
    const read = await readSaved(asTorch(await openZip(ctx.random(inner))), probe.entry, ctx);
    return checkpoint(probe, "exported program", read.collected);
  }
  const { collected, variant } = await readSaved(archive, probe.entry, ctx);
  return checkpoint(probe, variant, collected);
}

/** torch.save, or TorchScript. */
async function readSaved(archive: ZipArchive, file: string, ctx: Context): Promise<{ collected: CollectedTensors; variant: string }> {
  const prefix = torchPrefix(archive);
  if (prefix === undefined)
    throw new CheckpointError("not-found", "the archive has no data.pkl, which says what its storages hold", { file });
  const zip = await openTorchZip(archive, prefix);
  const { value, protocol } = await readMember(zip, "data.pkl", ctx);
  const collected = await collectTensors(value, zipStorages(zip, "data/"), { file });
  if (!archive.entries.has(`${prefix}constants.pkl`))
    return { collected, variant: `zip version ${zip.version}, pickle protocol ${protocol}` };
  const constants = await collectTensors((await readMember(zip, "constants.pkl", ctx)).value, zipStorages(zip, "constants/"), { file });
  const tensors = new Map<string, Tensor>(collected.tensors);
  // TorchScript's code calls its constants CONSTANTS.c0, CONSTANTS.c1, …
  for (const [index, tensor] of constants.tensors)
    tensors.set(`CONSTANTS.c${index}`, withInfo(tensor, { name: `CONSTANTS.c${index}`, kind: "constant" }));
  return { collected: { ...collected, tensors }, variant: `TorchScript, zip version ${zip.version}` };
}

function checkpoint(probe: Probe, variant: string, collected: CollectedTensors): ReadCheckpoint {
  return { format: "torch", variant, files: [probe.entry], bytes: probe.source.size, ...collected, close: async () => {} };
}

async function isTorchTar(probe: Probe): Promise<boolean> {
  const names = (await (await tarSet(probe.source)).list()) ?? [];
  return ["sys_info", "pickle", "storages"].every((name) => names.includes(name));
}

/** A pickle that names torch in its first instructions. */
function isBarePickle(probe: Probe): boolean {
  return probe.head[0] === 0x80 && new TextDecoder("latin1").decode(probe.head).includes("torch");
}

/** A bare pickle keeps its storages inside, each a stream of its own (torch/storage.py, __reduce__). */
async function embedded(call: ObjectRecord): ReturnType<NonNullable<CollectOptions["embedded"]>> {
  const bytes = bytesValue(call.args[0]);
  if (!(bytes instanceof Slice) || bytes.encoding !== "bytes") return undefined;
  const { root, storages } = await readLegacy(window(bytes.source, bytes.offset, bytes.length));
  const id = root instanceof PersistentId ? storageId(root) : undefined;
  return id === undefined ? undefined : { id, storages };
}

const noStorages: StorageSet = {
  bigEndian: false,
  size: outside,
  open: async (id) => outside(id),
};

function outside(id: StorageId): never {
  throw new CheckpointError("not-found", `storage ${id.key} is outside the pickle, and nothing follows it`);
}
