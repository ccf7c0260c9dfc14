/**
 * The library. Functions open what they need when they are called: importing this module costs next to nothing.
 * Everything a person may be told is a `CheckpointError`.
 */

import type { ConvertResult } from "./convert/convert.ts";
import type { FormatsRecord } from "./convert/formats-record.ts";
import type { ConvertOptions } from "./convert/options.ts";
import { CheckpointError } from "./errors.ts";

import type { DiffOptions, DiffRecord, DiffSide } from "./inspect/diff.ts";
import type { InspectCheckpointOptions, InspectRecord } from "./inspect/inspect.ts";
import type { SourceRecord } from "./inspect/source/read-source.ts";
import { shownAddress } from "./io/remote/address.ts";
import type { RemoteOptions } from "./io/remote/options.ts";
import type { ContextOptions } from "./io/run.ts";
import type { IdentifyOptions } from "./model/options.ts";
import type { Checkpoint } from "./tensor/checkpoint.ts";
import type { DeviceChoice, DeviceRecord } from "./verify/engines/engines.ts";
import type { VerifyRecord } from "./verify/record.ts";
import type { VerifyOptions } from "./verify/verify.ts";

export type { ConvertResult } from "./convert/convert.ts";
export type { ConvertOptions } from "./convert/options.ts";
export type { Plan } from "./convert/plan/plan-types.ts";
export { CheckpointError, type ErrorCode, type ErrorWhere, isCheckpointError } from "./errors.ts";
export type { DiffRecord } from "./inspect/diff.ts";
export type { Finding, Severity } from "./inspect/findings/check.ts";
export type { ArchitectureRecord, InspectRecord } from "./inspect/inspect.ts";
export type { Sort, TensorRecord, Totals } from "./inspect/list.ts";
export type { SourceRecord } from "./inspect/source/read-source.ts";
export { jsonPieces, toJson } from "./report/json.ts";
export { count, duration, type Paint, plain, type Style, visible, visibleWithin } from "./report/style.ts";
export type { Checkpoint, Inert, LayerRecord, Note } from "./tensor/checkpoint.ts";
export type { DType, NumericDType } from "./tensor/dtype.ts";
export type { NumericTensor, Part, StringTensor, Tensor, TensorInfo, TensorMap } from "./tensor/tensor.ts";
export { size } from "./text/byte-size.ts";
export type { DeviceChoice, DeviceRecord, EngineId } from "./verify/engines/engines.ts";
export type { VerifyRecord } from "./verify/record.ts";

/** What every function takes. */
export interface RunOptions {
  /** Read as this format, whatever the content looks like. */
  readonly from?: string;
  /** Read values of which the file holds less than 1/2000, which may be terabytes. */
  readonly amplified?: boolean;
  readonly signal?: AbortSignal;
  /** The process does nothing else: where a checkpoint has very many tensors, V8 is told to keep its memory small. */
  readonly ownProcess?: boolean;
  /** No address is asked: one that is named is an error. */
  readonly offline?: boolean;
  /** A file that a server gives only whole is fetched into a temporary file first. */
  readonly download?: boolean;
  /** A folder in which what was fetched from servers is kept between runs. */
  readonly cache?: string;
  /** How requests are made: a transport, headers, tries. */
  readonly remote?: Pick<RemoteOptions, "transport" | "headers" | "tries">;
  /** Bytes that went through, as they go. */
  readonly onProgress?: (bytes: number) => void;
}

export interface InspectOptions extends RunOptions, InspectCheckpointOptions {}

export interface ConvertRunOptions extends RunOptions, ConvertOptions {
  /** Path of a checkpoint that the output has to be like. */
  readonly like?: string;
  /** Path of a JSON file for `map`. */
  readonly mapFile?: string;
}

export interface DiffRunOptions extends RunOptions, DiffOptions, Pick<IdentifyOptions, "inputSize"> {
  /** Read B as this format. */
  readonly otherFrom?: string;
  /** Path of a JSON file for `map`. */
  readonly mapFile?: string;
}

export interface VerifyRunOptions extends RunOptions, VerifyOptions {}

/**
 * Opens a checkpoint: a file, a folder, a TF prefix, or any file of a set. Headers are read, values are not: a tensor's
 * parts say where they lie. Close it.
 */
export async function openCheckpoint(path: string, options: RunOptions = {}): Promise<Checkpoint> {
  const [{ open }, { createContext }] = await Promise.all([import("./open.ts"), import("./io/run.ts")]);
  const ctx = createContext({ ...contextOptions(options), values: true });
  const checkpoint = await open(path, ctx, options);
  return {
    ...checkpoint,
    async close() {
      await checkpoint.close();
      await ctx.dispose();
    },
  };
}

/** Lists the tensors of a checkpoint, says which network it is and what is wrong with it. */
export async function inspect(path: string, options: InspectOptions = {}): Promise<InspectRecord> {
  const [{ open }, { createContext }, { inspectCheckpoint }] = await Promise.all([
    import("./open.ts"),
    import("./io/run.ts"),
    import("./inspect/inspect.ts"),
  ]);
  const ctx = createContext({ ...contextOptions(options), values: options.hash === true || options.stats === true });
  try {
    const checkpoint = await open(path, ctx, options);
    try {
      return await inspectCheckpoint(shownAddress(path), checkpoint, ctx, options);
    } finally {
      await checkpoint.close();
    }
  } finally {
    await ctx.dispose();
  }
}

/**
 * Converts a checkpoint: reads, plans, writes, reads back and compares. The output appears whole or not at all. With `dryRun`
 * only the plan is made.
 */
export async function convert(path: string, options: ConvertRunOptions = {}): Promise<ConvertResult> {
  const [
    { open },
    { createContext },
    { convert: run, convertPlace },
    { identify },
    { existingFolder },
    { readOwnJson },
    { withRealNumbers },
  ] = await Promise.all([
    import("./open.ts"),
    import("./io/run.ts"),
    import("./convert/convert.ts"),
    import("./model/identify.ts"),
    import("./io/output/existing-folder.ts"),
    import("./encodings/json/own-json.ts"),
    import("./tensor/dequantised.ts"),
  ]);
  const { folder } = convertPlace(options, path);
  const ctx = createContext({ ...contextOptions(options), values: options.dryRun !== true, temporaryFolder: existingFolder(folder) });
  try {
    const map = options.mapFile === undefined ? {} : { map: await readOwnJson(options.mapFile) };
    const checkpoint = withRealNumbers(await open(path, ctx, options));
    const other = options.like === undefined ? undefined : await open(options.like, ctx, { amplified: options.amplified });
    try {
      const identity = identify(checkpoint, identifyOptions(options));
      const like = other === undefined ? {} : { like: { checkpoint: other, identity: identify(other), path: options.like ?? "" } };
      return await run({ checkpoint, identity, input: path, ...like }, { ...options, ...map }, ctx);
    } finally {
      await other?.close();
      await checkpoint.close();
    }
  } finally {
    await ctx.dispose();
  }
}

/**
 * Runs a network on an engine; compares it layer by layer with another checkpoint, or with expected values. What cannot be run
 * throws; a comparison that fails is `pass: false`.
 */
export async function verify(path: string | undefined, options: VerifyRunOptions = {}): Promise<VerifyRecord> {
  if (path === undefined) throw new CheckpointError("usage", "verify needs a checkpoint", { hint: "vggtool verify --help shows examples" });
  const [{ verify: run }, { createContext }] = await Promise.all([import("./verify/verify.ts"), import("./io/run.ts")]);
  const ctx = createContext({ ...contextOptions(options), values: true });
  try {
    return await run(path, options, ctx);
  } finally {
    await ctx.dispose();
  }
}

/**
 * Compares the values of two checkpoints through their layouts, without running them. `from` is the format of A, `inputSize` counts for both.
 */
export async function diff(a: string, b: string, options: DiffRunOptions = {}): Promise<DiffRecord> {
  const [{ open }, { createContext }, { diff: run }, { identify }, { withRealNumbers }, { readOwnJson }] = await Promise.all([
    import("./open.ts"),
    import("./io/run.ts"),
    import("./inspect/diff.ts"),
    import("./model/identify.ts"),
    import("./tensor/dequantised.ts"),
    import("./encodings/json/own-json.ts"),
  ]);
  const ctx = createContext({ ...contextOptions(options), values: true });
  const opened: Checkpoint[] = [];
  const side = async (path: string, from: string | undefined): Promise<DiffSide> => {
    const checkpoint = withRealNumbers(await open(path, ctx, { amplified: options.amplified, from }));
    opened.push(checkpoint);
    const identity = identify(checkpoint, identifyOptions(options));
    return { checkpoint, ...(identity === undefined ? {} : { identity }) };
  };
  try {
    const map = options.mapFile === undefined ? {} : { map: await readOwnJson(options.mapFile) };
    return await run(await side(a, options.from), await side(b, options.otherFrom), ctx, { ...options, ...map });
  } finally {
    for (const checkpoint of opened) await checkpoint.close();
    await ctx.dispose();
  }
}

/** What each engine would use, and what is missing where one cannot run. */
export async function checkDevices(device: DeviceChoice = "auto"): Promise<readonly DeviceRecord[]> {
  return (await import("./verify/engines/engines.ts")).checkDevices(device);
}

/** What can be read and written, and the naming schemes. */
export async function listFormats(): Promise<FormatsRecord> {
  return (await import("./convert/formats-record.ts")).formatsRecord();
}

/** Checks the Python files that built a network for layers that the framework never learns of; the code is parsed, never run. */
export async function inspectSource(paths: string | readonly string[]): Promise<readonly SourceRecord[]> {
  return (await import("./inspect/source/read-source.ts")).readSources(typeof paths === "string" ? [paths] : paths);
}

/** Whether source records leave something unsaid: no fault was found, and not every class was read, or there is none. */
export async function sourceIsUnsaid(records: readonly SourceRecord[]): Promise<boolean> {
  return (await import("./inspect/source/read-source.ts")).isUnsaid(records);
}

/** Findings about source code as a SARIF 2.1.0 log. */
export async function sarif(...args: Parameters<typeof import("./report/sarif.ts")["sarif"]>) {
  return (await import("./report/sarif.ts")).sarif(...args);
}

/** Source records as text. */
export async function sourceText(...args: Parameters<typeof import("./report/source.ts")["sourceText"]>): Promise<string> {
  return (await import("./report/source.ts")).sourceText(...args);
}

/** An inspect record as text. */
export async function inspectText(...args: Parameters<typeof import("./report/inspect.ts")["inspectText"]>): Promise<string> {
  return (await import("./report/inspect.ts")).inspectText(...args);
}

/** The same, some lines at a time. */
export async function inspectBlocks(...args: Parameters<typeof import("./report/inspect.ts")["inspectBlocks"]>): Promise<Iterable<string>> {
  return (await import("./report/inspect.ts")).inspectBlocks(...args);
}

/** What can be read and written, as text. */
export async function formatsText(...args: Parameters<typeof import("./report/formats.ts")["formatsText"]>): Promise<string> {
  return (await import("./report/formats.ts")).formatsText(...args);
}

/** What a conversion did, as text. */
export async function convertText(...args: Parameters<typeof import("./report/convert.ts")["convertText"]>): Promise<string> {
  return (await import("./report/convert.ts")).convertText(...args);
}

/** What a conversion would do, move by move, as text. */
export async function planText(...args: Parameters<typeof import("./report/convert.ts")["planText"]>): Promise<string> {
  return (await import("./report/convert.ts")).planText(...args);
}

/** What differs, as text. */
export async function diffText(...args: Parameters<typeof import("./report/diff.ts")["diffText"]>): Promise<string> {
  return (await import("./report/diff.ts")).diffText(...args);
}

/** What engines would use, as text. */
export async function devicesText(...args: Parameters<typeof import("./report/devices.ts")["devicesText"]>): Promise<string> {
  return (await import("./report/devices.ts")).devicesText(...args);
}

/** A verify record as text. */
export async function verifyText(...args: Parameters<typeof import("./report/verify.ts")["verifyText"]>): Promise<string> {
  return (await import("./report/verify.ts")).verifyText(...args);
}

function contextOptions(options: RunOptions): ContextOptions {
  const { offline, download, cache } = options;
  return {
    remote: {
      ...options.remote,
      ...(offline === undefined ? {} : { offline }),
      ...(download === undefined ? {} : { download }),
      ...(cache === undefined ? {} : { cache }),
    },
    ...(options.ownProcess === undefined ? {} : { ownProcess: options.ownProcess }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
}

function identifyOptions(options: ConvertOptions): IdentifyOptions {
  const { inputSize, bnEpsilon, kernels, moments, flatten, dropoutFactor } = options;
  return {
    ...(inputSize === undefined ? {} : { inputSize: [inputSize[0], inputSize[1]] }),
    ...(bnEpsilon === undefined ? {} : { bnEpsilon }),
    ...(kernels === undefined ? {} : { kernels }),
    ...(moments === undefined ? {} : { moments }),
    ...(flatten === undefined ? {} : { flatten }),
    ...(dropoutFactor === undefined ? {} : { dropoutFactor }),
  };
}
