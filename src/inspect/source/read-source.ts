import { CheckpointError, isCheckpointError } from "../../errors.ts";
import { fileSource } from "../../io/source/file.ts";
import type { Identity } from "../../model/identity.ts";
import type { Finding } from "../findings/check.ts";
import { checkSources, type ReadClass, type SourceFinding, type SourceReport, type UnreadSource, unreadFindings } from "./check-source.ts";
import { decodePython } from "./decode.ts";
import { codeCells, isNotebook } from "./notebook.ts";
import type { Unit } from "./places.ts";

/** In bytes. Model code has some thousand lines; a notebook also keeps its pictures. */
const largest = 64 << 20;

/** The check of one Python file or notebook; field names are part of the command-line contract. */
export interface SourceRecord {
  readonly schema: "vggtool/source/2";
  readonly file: string;
  /** Classes of known frameworks that were read to their end. */
  readonly read: readonly ReadClass[];
  /** What was not read, with the reason: of this nothing is said. */
  readonly unread: readonly UnreadSource[];
  /** Layers that are made and never registered. */
  readonly faults: readonly SourceFinding[];
  /** All of it as findings: faults, then what was not read. */
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the Python files that built a network, together: what one imports from another is followed. What cannot be
 * read is said in the record of its file. Throws `not-found`, and `usage` for a folder.
 */
export async function readSources(paths: readonly string[], identity?: Identity): Promise<readonly SourceRecord[]> {
  const files: (readonly Unit[] | UnreadSource)[] = [];
  for (const path of paths) files.push(await unitsOf(path));
  const readable = files.filter((file) => "length" in file);
  const reports = [...checkSources(readable, identity)];
  return files.map((file, k) => {
    const path = paths[k] ?? "";
    const report = "length" in file ? reports.shift() : undefined;
    return record(path, report ?? { file: path, problems: [], read: [], unread: "length" in file ? [] : [file], faults: [] });
  });
}

function record(file: string, { read, unread, faults }: SourceReport): SourceRecord {
  return { schema: "vggtool/source/2", file, read, unread, faults, findings: [...faults, ...unreadFindings(file, unread)] };
}

/** Whether nothing is left to say of some files: no fault, and not every class read, or none there. */
export function isUnsaid(records: readonly SourceRecord[]): boolean {
  if (records.some(({ faults }) => faults.length > 0)) return false;
  return (
    records.every(({ read }) => read.length === 0) ||
    records.some(({ read, unread }) => unread.length > 0 && (read.length > 0 || !onlyHelps(unread)))
  );
}

/** A file of functions beside one with classes: it has been read, and there is nothing to say of it alone. */
function onlyHelps(unread: readonly UnreadSource[]): boolean {
  return unread.every(({ line }) => line === null);
}

/** The code of a file, cell by cell; or why it cannot be read. */
async function unitsOf(path: string): Promise<readonly Unit[] | UnreadSource> {
  try {
    const text = decodePython(await bytesOf(path), path);
    if (!isNotebook(text)) return [{ file: path, cell: null, text }];
    const cells = codeCells(text, path).map(({ number, text: code }) => ({ file: path, cell: number, text: code }));
    return cells.length === 0 ? { reason: "the notebook has no code cell", line: null, cell: null } : cells;
  } catch (error) {
    if (!isCheckpointError(error, "unsupported", "malformed")) throw error;
    const { hint } = error.where;
    return { reason: hint === undefined ? error.message : `${error.message}; ${hint}`, line: null, cell: null };
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const source = await fileSource(path);
  try {
    if (source.size > largest)
      throw new CheckpointError("unsupported", `a source file of ${source.size} bytes; at most ${largest} are read`);
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}
