import { folderOf, stemOf } from "../../encodings/file-names.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError, isCheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, LayerRecord, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type CfgSection, looksLikeCfg, parseCfg } from "./cfg.ts";
import { type WeightArray, type WeightLayout, weightLayout } from "./layout.ts";
import { publishedCfg } from "./published.ts";

/*
 * Darknet: `.weights` has i32 major, minor, revision, the number of images seen (u64 from version 0.2 on, else i32), then
 * float32 without any structure: that is in the `.cfg`, which has to account for every byte. Without one, only the
 * number of values of a published VGG tells what they are.
 */

const weightsSuffix = ".weights";
const cfgSuffix = ".cfg";
/** YOLO's have 10 kB. */
const maxCfg = 1 << 20;
/** Other networks' .cfg in the same folder that are tried. */
const maxTried = 16;

export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "text") {
      const text = new TextDecoder().decode(probe.head);
      return probe.entry.endsWith(cfgSuffix) && looksLikeCfg(text) ? "sure" : undefined;
    }
    if (probe.container !== "binary" || !probe.entry.endsWith(weightsSuffix)) return undefined;
    return "maybe";
  },

  async read(probe) {
    if (probe.container !== "text") {
      const header = await readHeader(probe.source);
      return checkpoint(probe.entry, probe.source, header, await fittingCfg(probe, header), async () => {});
    }
    const entry = await weightsOf(probe);
    const source = entry === undefined ? undefined : await probe.set.open(entry);
    if (entry === undefined || source === undefined) {
      throw new CheckpointError("not-found", `this is a Darknet network without weights; its ${weightsSuffix} is missing beside it`, {
        file: probe.entry,
      });
    }
    try {
      const header = await readHeader(source);
      const cfg = await readCfg(probe.source, probe.entry, header);
      refuseMisfit(cfg, header, source, probe.entry);
      return await checkpoint(entry, source, header, cfg, () => source.close());
    } catch (error) {
      await source.close();
      throw error;
    }
  },
};

interface Header {
  readonly version: string;
  readonly seen: bigint;
  /** Of the header, in bytes. */
  readonly bytes: number;
  /** Weights of connected layers are kept as [in, out]. */
  readonly transpose: boolean;
}

interface Cfg {
  /** undefined where there is no file and the network is a published one, recognised by its number of values. */
  readonly name: string | undefined;
  readonly network?: string;
  readonly bytes: number;
  readonly sections: readonly CfgSection[];
  readonly layout: WeightLayout;
}

async function readHeader(source: ByteSource): Promise<Header> {
  if (source.size < 16)
    throw new CheckpointError("truncated", `a Darknet header has 16 or 20 bytes, the file has ${source.size}`, { file: source.name });
  const bytes = await source.read(0, Math.min(20, source.size));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [major, minor, revision] = [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true)];
  if (major < 0 || minor < 0 || major > 1_000_000 || minor > 1_000_000) {
    throw new CheckpointError("malformed", `version ${major}.${minor} is none of Darknet's`, { file: source.name, offset: 0 });
  }
  const wide = major * 10 + minor >= 2 && major < 1000 && minor < 1000;
  if (wide && bytes.length < 20)
    throw new CheckpointError("truncated", "the header ends before the number of images seen", { file: source.name });
  return {
    version: `${major}.${minor}.${revision}`,
    seen: wide ? view.getBigUint64(12, true) : BigInt(view.getInt32(12, true)),
    bytes: wide ? 20 : 16,
    transpose: major > 1000 || minor > 1000,
  };
}

/** The .cfg that accounts for every byte: of the same stem first, then others in the folder. */
async function fittingCfg(probe: Probe, header: Header): Promise<Cfg> {
  const folder = folderOf(probe.entry);
  const stem = folder + stemOf(probe.entry) + cfgSuffix;
  const beside = ((await probe.set.list()) ?? [stem]).filter((name) => folderOf(name) === folder && name.endsWith(cfgSuffix));
  const names = [...beside.filter((name) => name === stem), ...beside.filter((name) => name !== stem)].slice(0, maxTried);
  let failure: CheckpointError | undefined;
  for (const name of names) {
    const source = await probe.set.open(name);
    if (source === undefined) continue;
    try {
      const cfg = await readCfg(source, name, header);
      refuseMisfit(cfg, header, probe.source, probe.entry);
      return cfg;
    } catch (error) {
      if (!isCheckpointError(error)) throw error;
      failure ??= error;
    } finally {
      await source.close();
    }
  }
  if (failure !== undefined) throw failure;
  const body = probe.source.size - header.bytes;
  const published = publishedCfg(body / 4);
  if (published !== undefined) {
    const sections = parseCfg(published.text, stem);
    return { name: undefined, network: published.network, bytes: 0, sections, layout: weightLayout(sections, header.transpose) };
  }
  const odd = body % 4 === 0 ? "" : `; its ${body} bytes behind the header are no whole number of float32 values either`;
  throw new CheckpointError(
    "not-found",
    `a Darknet .weights file has no structure of its own: the ${cfgSuffix} of its network is needed beside it${odd}`,
    { file: stem },
  );
}

async function readCfg(source: ByteSource, name: string, header: Header): Promise<Cfg> {
  if (source.size > maxCfg)
    throw new CheckpointError("unsupported", `a .cfg of ${source.size} bytes, at most ${maxCfg} are read`, { file: name });
  const sections = parseCfg(new TextDecoder().decode(await source.read(0, source.size)), name);
  try {
    return { name, bytes: source.size, sections, layout: weightLayout(sections, header.transpose) };
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ file: name }) : error;
  }
}

function refuseMisfit(cfg: Cfg, header: Header, source: ByteSource, entry: string): void {
  const needed = header.bytes + 4 * cfg.layout.elements;
  if (needed === source.size) return;
  const code = needed > source.size ? "truncated" : "mismatch";
  throw new CheckpointError(code, `the network of ${cfg.name} needs ${needed} bytes of weights, the file has ${source.size}`, {
    file: entry,
    hint: "a .cfg of another network, or a file that is cut short",
  });
}

async function weightsOf(probe: Probe): Promise<string | undefined> {
  const folder = folderOf(probe.entry);
  const names = ((await probe.set.list()) ?? []).filter((name) => folderOf(name) === folder && name.endsWith(weightsSuffix));
  const stem = folder + stemOf(probe.entry) + weightsSuffix;
  return names.includes(stem) ? stem : names.length === 1 ? names[0] : undefined;
}

async function checkpoint(
  entry: string,
  source: ByteSource,
  header: Header,
  cfg: Cfg,
  close: () => Promise<void>,
): Promise<ReadCheckpoint> {
  const tensors = new Map<string, Tensor>(cfg.layout.arrays.map((array) => [array.name, tensorOf(array, source, header.bytes)]));
  const metadata = new Map<string, Inert>([
    ["version", header.version],
    ["seen", header.seen],
    ["input", cfg.layout.input],
  ]);
  return {
    format: "darknet",
    variant: `Darknet ${header.version}`,
    files: cfg.name === undefined ? [entry] : [entry, cfg.name],
    bytes: source.size + cfg.bytes,
    tensors,
    layers: layersOf(cfg),
    metadata,
    notes:
      cfg.network === undefined
        ? []
        : [
            {
              code: "assumed",
              message: `there is no ${cfgSuffix} beside it; it holds exactly as many values as ${cfg.network}, and is read as that`,
            },
          ],
    close,
  };
}

function tensorOf({ name, shape, start, transposed }: WeightArray, source: ByteSource, header: number): Tensor {
  return contiguous({ name, dtype: "float32", shape, source, offset: header + 4 * start, order: transposed ? "column" : "row" });
}

function layersOf({ sections, layout }: Cfg): readonly LayerRecord[] {
  const bySection = new Map<string, string[]>();
  for (const { name } of layout.arrays) {
    const section = name.slice(0, name.indexOf("."));
    bySection.set(section, [...(bySection.get(section) ?? []), name]);
  }
  return sections.slice(1).map((section, k) => ({
    name: String(k),
    type: section.type,
    attributes: section.options,
    inputs: k === 0 ? [] : [String(k - 1)],
    tensors: bySection.get(String(k)) ?? [],
  }));
}
