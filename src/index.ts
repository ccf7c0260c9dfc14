/**
 * The library: one function a verb, all of them asynchronous. Each opens what it needs when it is called: importing this module costs
 * next to nothing. What goes wrong is a `CheckpointError`. Records as text, and as the JSON of the command line: `vggtool/report`.
 * docs/library.md shows it at work.
 */

export type { MergeRecord } from "./catalogue/merge.ts";
export type { CatalogueRecord, SourceDone } from "./catalogue/run.ts";
export type { CatalogueRow } from "./catalogue/schema.ts";
export type { ConvertResult } from "./convert/convert.ts";
export type { FormatsRecord } from "./convert/formats-record.ts";
export type { ConvertOptions } from "./convert/options.ts";
export type { Plan } from "./convert/plan/plan-types.ts";
export { CheckpointError, type ErrorCode, type ErrorWhere, isCheckpointError } from "./errors.ts";
export type { DiffRecord } from "./inspect/diff.ts";
export type { Finding, Severity } from "./inspect/findings/check.ts";
export type { ArchitectureRecord, InspectRecord } from "./inspect/inspect.ts";
export type { Sort, TensorRecord, Totals } from "./inspect/list.ts";
export type { SourceRecord } from "./inspect/source/read-source.ts";
export type { SliceableBytes } from "./io/bytes-input.ts";
export type { PageServer } from "./io/serve/server.ts";
export {
  type CatalogueOptions,
  type CatalogueQueryOptions,
  catalogue,
  mergeCatalogues,
  queryCatalogue,
} from "./library/catalogue.ts";
export { type ConvertRunOptions, convert } from "./library/convert.ts";
export { checkDevices, doctor } from "./library/devices.ts";
export { type DiffRunOptions, diff } from "./library/diff.ts";
export { type InspectOptions, inspect } from "./library/inspect.ts";
export { inspectSource, sourceIsUnsaid } from "./library/inspect-source.ts";
export { listFormats } from "./library/list-formats.ts";
export { type FoundCheckpoint, type FoundCheckpoints, findCheckpoints } from "./library/many/find-checkpoints.ts";
export { mayBeMany, namesOthers } from "./library/many/may-be-many.ts";
export { outputsBelow } from "./library/many/outputs-below.ts";
export { type OpenCheckpoint, openCheckpoint } from "./library/open-checkpoint.ts";
export type { ReadOptions, TensorBlock, TensorValues } from "./library/read.ts";
export { type ReportOptions, report } from "./library/report.ts";
export type { RunOptions } from "./library/run-options.ts";
export { type ServeOptions, serveApp } from "./library/serve.ts";
export { type ShowOptions, type ShowRecord, show } from "./library/show.ts";
export type { TensorData } from "./library/typed.ts";
export { type VerifyRunOptions, verify } from "./library/verify.ts";
export type { ReportRecord } from "./report/page/record.ts";
export type { Checkpoint, Inert, LayerRecord, Note } from "./tensor/checkpoint.ts";
export type { CheckpointInput } from "./tensor/checkpoint-input.ts";
export type { DType, NumericDType } from "./tensor/dtype.ts";
export type { NumericTensor, Part, StringTensor, Tensor, TensorInfo, TensorMap } from "./tensor/tensor.ts";
export type { DoctorRecord } from "./verify/doctor.ts";
export type { DeviceChoice, DeviceRecord, EngineId } from "./verify/engines/engines.ts";
export type { VerifyRecord } from "./verify/record.ts";
