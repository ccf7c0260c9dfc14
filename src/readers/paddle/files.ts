import { baseName, folderOf } from "../../encodings/file-names.ts";
import type { Probe } from "../../encodings/probe.ts";
import type { FileSet } from "../../io/source/source.ts";
import { looksLikeLodTensor, readStreamTensor } from "./lod-tensor.ts";
import { looksLikePir } from "./pir.ts";

/** The files of one static-graph network; names relative to the set. */
export interface StaticFiles {
  /** ProgramDesc (`.pdmodel`, `__model__`) or PIR (`.json`). */
  readonly program?: string;
  /** All parameters in one stream (`.pdiparams`, `__params__`). */
  readonly combined?: string;
  /** One file for each parameter in this folder ("" or ending in "/"), named after it. */
  readonly separate?: string;
  /** A pickle of names and arrays (`.pdparams` of `static.save`). */
  readonly pickled?: string;
  /** The pickle of structured names beside a combined file. */
  readonly info?: string;
  /** A file of one parameter that was named: it is listed even where the program does not know it. */
  readonly named?: string;
}

const programNames = ["__model__", "__model__.json"];
const combinedNames = ["__params__", "params"];
/** Files of a folder without a program that are looked at before it is taken for one of parameters. */
const looked = 8;

/** The set that a named file or folder belongs to; undefined where it is no static-graph network. */
export async function findStatic(probe: Probe): Promise<StaticFiles | undefined> {
  if (probe.container === "folder") return findInFolder(probe.set);
  const { entry, set } = probe;
  const base = baseName(entry);
  const folder = folderOf(entry);
  if (programNames.includes(base)) return besideProgram(set, folder, entry);
  const stem = /^(.*)\.(pdmodel|json|pdiparams|pdiparams\.info)$/.exec(entry)?.[1];
  if (entry.endsWith(".pdmodel") || (entry.endsWith(".json") && looksLikePir(probe.head))) return besideStem(set, stem ?? "", entry);
  if (entry.endsWith(".pdiparams.info") && stem !== undefined) {
    const program = await programOf(set, stem);
    return program === undefined ? undefined : besideStem(set, stem, program);
  }
  if (!looksLikeLodTensor(probe.head)) return undefined;
  if (stem !== undefined) {
    const program = await programOf(set, stem);
    return program === undefined ? { combined: entry } : besideStem(set, stem, program);
  }
  for (const name of programNames) {
    const program = folder + name;
    if (!(await exists(set, program))) continue;
    if ((await readStreamTensor(probe.source, 0)).end < probe.source.size) return { program, combined: entry };
    return { ...(await besideProgram(set, folder, program)), named: entry };
  }
  return { combined: entry };
}

/** The program that goes with `stem.pdiparams` or `stem.pdparams`. */
export async function programOf(set: FileSet, stem: string): Promise<string | undefined> {
  for (const name of [`${stem}.pdmodel`, `${stem}.json`]) {
    if (name.endsWith(".json") ? await isPir(set, name) : await exists(set, name)) return name;
  }
  return undefined;
}

async function besideStem(set: FileSet, stem: string, program: string): Promise<StaticFiles> {
  const combined = `${stem}.pdiparams`;
  const pickled = `${stem}.pdparams`;
  const info = `${stem}.pdiparams.info`;
  const labels = (await exists(set, info)) ? { info } : {};
  if (await exists(set, combined)) return { program, combined, ...labels };
  if (await exists(set, pickled)) return { program, pickled };
  return { program, ...labels };
}

async function besideProgram(set: FileSet, folder: string, program: string): Promise<StaticFiles> {
  for (const name of combinedNames) if (await exists(set, folder + name)) return { program, combined: folder + name };
  // The file's name is free: save_inference_model(…, params_filename=F). One file beside the program is that file.
  const others = ((await set.list()) ?? []).filter((name) => name.startsWith(folder) && name !== program && !/(^|\/)\./.test(name));
  const [only] = others;
  if (others.length === 1 && only !== undefined) return { program, combined: only };
  return { program, separate: folder };
}

async function findInFolder(set: FileSet): Promise<StaticFiles | undefined> {
  const names = ((await set.list()) ?? []).filter((name) => !/(^|\/)\./.test(name));
  const top = names.filter((name) => !name.includes("/"));
  for (const name of programNames) if (top.includes(name)) return besideProgram(set, "", name);
  const stems = new Set(top.flatMap((name) => /^(.*)\.(pdmodel|pdiparams)$/.exec(name)?.[1] ?? []));
  const [stem] = stems;
  if (stem !== undefined && stems.size === 1) {
    const program = await programOf(set, stem);
    return program === undefined ? { combined: `${stem}.pdiparams` } : besideStem(set, stem, program);
  }
  return names.length > 0 && stems.size === 0 && (await allStreams(set, names)) ? { separate: "" } : undefined;
}

/** Whether the files are tensors each, as far as is looked. */
async function allStreams(set: FileSet, names: readonly string[]): Promise<boolean> {
  for (const name of names.slice(0, looked)) if (!(await isStream(set, name))) return false;
  return true;
}

/** Whether a file begins as a tensor. */
export async function isStream(set: FileSet, name: string): Promise<boolean> {
  const source = await set.open(name);
  if (source === undefined) return false;
  try {
    return looksLikeLodTensor(await source.read(0, Math.min(64, source.size)));
  } finally {
    await source.close();
  }
}

async function isPir(set: FileSet, name: string): Promise<boolean> {
  const source = await set.open(name);
  if (source === undefined) return false;
  try {
    return looksLikePir(await source.read(0, Math.min(4096, source.size)));
  } finally {
    await source.close();
  }
}

async function exists(set: FileSet, name: string): Promise<boolean> {
  const source = await set.open(name);
  await source?.close();
  return source !== undefined;
}
