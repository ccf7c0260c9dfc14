import { baseName } from "../../encodings/file-names.ts";
import { readPickle } from "../../encodings/pickle/machine.ts";
import { mappingEntries } from "../../encodings/pickle/standard.ts";
import { CheckpointError, isCheckpointError, locate } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { isStream, type StaticFiles } from "./files.ts";
import { readStream, readStreamTensor, type StreamTensor } from "./lod-tensor.ts";
import { byCodePoint, disagree, fitsDeclared, namesFor, numbered } from "./names.ts";
import { optimizerKind } from "./optimizer-names.ts";
import { readPickled } from "./pickled.ts";
import { looksLikePir, readPir } from "./pir.ts";
import { type Program, programBytes, readProgram } from "./program.ts";
import { reopened } from "./reopened.ts";

/*
 * Networks saved with their program (python/paddle/static/io.py, pir_io.py). A combined file holds tensors without names: they are in the
 * order of the sorted names of all variables that the program saves, by code point, so `conv2d_10.w_0` comes before `conv2d_2.w_0`.
 */

/** Opens the set; throws `mismatch` where program and parameters do not belong together, `not-found` where a parameter's file is missing. */
export async function readStatic(set: FileSet, files: StaticFiles): Promise<ReadCheckpoint> {
  const opened: ByteSource[] = [];
  try {
    const checkpoint = await new StaticReader(set, files, opened).read();
    return { ...checkpoint, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** A program's file, of either kind. */
export async function openProgram(source: ByteSource): Promise<Program> {
  const bytes = await programBytes(source);
  return looksLikePir(bytes) ? readPir(bytes, source.name) : readProgram(bytes, source.name);
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close();
}

class StaticReader {
  readonly #set: FileSet;
  readonly #files: StaticFiles;
  readonly #opened: ByteSource[];
  readonly #used: string[] = [];
  readonly #notes: Note[] = [];
  readonly #tensors = new Map<string, Tensor>();
  #bytes = 0;

  constructor(set: FileSet, files: StaticFiles, opened: ByteSource[]) {
    this.#set = set;
    this.#files = files;
    this.#opened = opened;
  }

  async read(): Promise<Omit<ReadCheckpoint, "close">> {
    const { program: programFile, combined, separate, pickled } = this.#files;
    const program = programFile === undefined ? undefined : await this.#program(programFile);
    if (pickled !== undefined) return this.#withPickle(pickled, program);
    const labels = await this.#labels();
    if (combined !== undefined) await this.#combined(combined, program, labels);
    else if (separate !== undefined) await this.#separate(separate, program);
    else this.#notes.push(withoutParameters(program, programFile));
    await this.#named();
    const metadata = new Map<string, Inert>();
    if (labels.size > 0) metadata.set("structured names", labels);
    if (program?.input !== undefined) metadata.set("input", program.input);
    const kind = combined !== undefined ? "combined parameters" : separate !== undefined ? "separate parameters" : "no parameters";
    return {
      format: "paddle",
      variant: `${kind}, ${program?.version ?? "no program"}`,
      files: this.#used,
      bytes: this.#bytes,
      tensors: this.#tensors,
      layers: program?.layers ?? [],
      metadata,
      notes: this.#notes,
    };
  }

  async #open(name: string): Promise<ByteSource> {
    const source = await this.#set.open(name);
    if (source === undefined) throw new CheckpointError("not-found", `${baseName(name)} is missing beside the program`, { file: name });
    this.#opened.push(source);
    this.#used.push(name);
    this.#bytes += source.size;
    return source;
  }

  /** Undefined where it cannot be used and the parameters do without it: they are beside it, and each says its type and shape. */
  async #program(file: string): Promise<Program | undefined> {
    const source = await this.#open(file);
    const named = await this.#namedBy();
    try {
      const program = await openProgram(source);
      if (program.parameters.length > 0 || named !== "file") return program;
      this.#notes.push(unread(baseName(file), "it declares no parameters, and files of parameters are beside it", named));
    } catch (error) {
      if (!isCheckpointError(error, "truncated", "malformed", "unsupported") || named === undefined) throw error;
      this.#notes.push(unread(baseName(file), error.message, named));
    }
    return undefined;
  }

  /** Where the names of the parameters are from without a program; undefined where there are no parameters. */
  async #namedBy(): Promise<keyof typeof namedWithout | undefined> {
    const { combined, separate, pickled } = this.#files;
    if (pickled !== undefined) return "pickle";
    if (combined !== undefined) return "number";
    return separate !== undefined && (await this.#streams(separate)).length > 0 ? "file" : undefined;
  }

  /** The file that was named, where nothing else led to it. */
  async #named(): Promise<void> {
    const { named } = this.#files;
    if (named === undefined || this.#used.includes(named)) return;
    const name = baseName(named);
    const source = await this.#open(named);
    if (this.#tensors.has(name))
      throw new CheckpointError("mismatch", `the parameters beside it have another tensor ${name}`, { file: named });
    this.#add(name, await readStreamTensor(source, 0), source, undefined);
    this.#notes.push({
      code: "assumed",
      message: `the program beside ${name} does not list it: it is listed because it was named, under the name of its file`,
      tensor: name,
    });
  }

  async #withPickle(name: string, program: Program | undefined): Promise<Omit<ReadCheckpoint, "close">> {
    const checkpoint = await readPickled(await this.#open(name), name);
    const layers = program?.layers ?? [];
    const input = program?.input;
    return {
      ...checkpoint,
      notes: [...checkpoint.notes, ...this.#notes],
      ...(input !== undefined && { metadata: new Map([...checkpoint.metadata, ["input", input]]) }),
      variant: `${checkpoint.variant}, ${program?.version ?? "no program"}`,
      files: this.#used,
      bytes: this.#bytes,
      layers,
    };
  }

  /** `.pdiparams.info`: {variable: {"structured_name": "features.0.weight", …}}. */
  async #labels(): Promise<ReadonlyMap<string, string>> {
    const labels = new Map<string, string>();
    if (this.#files.info === undefined) return labels;
    const { value } = await readPickle(await this.#open(this.#files.info));
    for (const [variable, row] of mappingEntries(value) ?? []) {
      const label = mappingEntries(row)?.get("structured_name");
      if (typeof variable === "string" && typeof label === "string") labels.set(variable, label);
    }
    return labels;
  }

  async #combined(file: string, program: Program | undefined, labels: ReadonlyMap<string, string>): Promise<void> {
    const source = await this.#open(file);
    const stream = await readStream(source);
    const names = program === undefined ? numbered(stream.length) : namesFor(stream, program.parameters, file);
    if (this.#files.program === undefined && stream.length > 1) {
      this.#notes.push({
        code: "assumed",
        message: "the file holds tensors without names and no program is beside it: they are numbered",
        fix: "put the .pdmodel or .json of the same save beside it",
      });
    }
    for (const [index, tensor] of stream.entries()) {
      const name = names[index] ?? String(index);
      this.#add(name, tensor, source, labels.get(name));
    }
  }

  async #separate(folder: string, program: Program | undefined): Promise<void> {
    const names = (program?.parameters.map(({ name }) => name) ?? (await this.#streams(folder))).sort(byCodePoint);
    const declared = new Map(program?.parameters.map((parameter) => [parameter.name, parameter]));
    for (const name of names) {
      const file = folder + name;
      const source = await this.#set.open(file);
      if (source === undefined) {
        throw new CheckpointError("not-found", "the program has a parameter whose file is missing", { file, tensor: name });
      }
      try {
        await locate({ file, tensor: name }, async () => {
          const tensor = await readStreamTensor(source, 0);
          if (tensor.end !== source.size) {
            throw new CheckpointError("malformed", `${source.size - tensor.end} bytes behind the tensor, one tensor was expected`);
          }
          const shape = declared.get(name)?.shape;
          if (shape !== undefined && !fitsDeclared(tensor.shape, shape)) throw disagree(tensor.shape, shape);
          this.#used.push(file);
          this.#bytes += source.size;
          this.#add(name, tensor, reopened(this.#set, file, source.size), undefined);
        });
      } finally {
        await source.close();
      }
    }
  }

  /** The files of a folder that begin as tensors, without the folder. */
  async #streams(folder: string): Promise<string[]> {
    const names: string[] = [];
    for (const name of (await this.#set.list()) ?? []) {
      if (name.startsWith(folder) && !/(^|\/)\./.test(name) && (await isStream(this.#set, name))) names.push(name.slice(folder.length));
    }
    return names;
  }

  #add(name: string, tensor: StreamTensor, source: ByteSource, label: string | undefined): void {
    const { dtype, shape, offset } = tensor;
    const kind = optimizerKind(name, false);
    const extra = { ...(label === undefined ? {} : { label }), ...(kind === undefined ? {} : { kind }) };
    this.#tensors.set(name, contiguous({ name, dtype, shape, source, offset, ...extra }));
  }
}

const namedWithout = {
  pickle: "the tensors have the names of the pickle",
  number: "the tensors are numbered",
  file: "each tensor has the name of its file",
};

/** A program that was not used, and what that means for the names. */
function unread(file: string, why: string, named: keyof typeof namedWithout): Note {
  return { code: "program-unread", message: `the program ${file} was not used (${why}): ${namedWithout[named]}, and no layers are listed` };
}

function withoutParameters(program: Program | undefined, file: string | undefined): Note {
  return {
    code: "truncated-shard",
    message: `a program that declares ${program?.parameters.length ?? 0} parameters, and no file of parameters beside it`,
    fix: `put the .pdiparams of the same save beside ${baseName(file ?? "it")}`,
  };
}
