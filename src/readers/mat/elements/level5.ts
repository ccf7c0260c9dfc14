import { CheckpointError, isCheckpointError } from "../../../errors.ts";
import type { Context } from "../../../io/context.ts";
import { Cursor } from "../../../io/source/cursor.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { openCompressed } from "./compressed.ts";
import { miCompressed, miMatrix, readTag, type Tag } from "./element.ts";
import { headerText } from "./header.ts";
import { createBudget, type MatBudget } from "./limits.ts";
import { type Matrix, parseMatrix, readMatrixName } from "./matrix.ts";
import type { KeepRule, MatFile, MatVariable } from "./value.ts";

/*
 * Level 5:   0 text, blank padded     116 u64 offset of the subsystem's element, or blanks
 *          124 u16 version 0x0100     126 "MI" as u16 in the file's byte order     128 elements to the end of the file
 */

const headerBytes = 128;
/** Most of a file is skipped: what is read ahead at each header is kept short. */
const chunk = 8192;

/** Reads all variables' structure. Throws CheckpointError with offset and variable; what is damaged is refused. */
export async function readLevel5(source: ByteSource, ctx: Context, keep: KeepRule): Promise<MatFile> {
  const { bigEndian, text } = await readHeader(source);
  const cursor = new Cursor(source, headerBytes, source.size, { bigEndian, chunk });
  const remarks: MatFile["remarks"][number][] = [];
  const reading: Reading = { source, cursor, ctx, keep, budget: createBudget(), remarks };
  const variables = new Map<string, MatVariable>();
  let compressed = false;
  while (cursor.remaining > 0) {
    const tag = await readTopTag(reading);
    compressed ||= tag.type === miCompressed;
    const matrix = await readElement(reading, tag);
    cursor.seek(tag.type === miCompressed ? tag.data + tag.length : matrix.end);
    if (matrix.excess > 0)
      remarks.push({
        message: `${matrix.name} counts ${matrix.excess} bytes too many, as Octave's small char arrays do`,
        offset: tag.start,
      });
    // Without a name: the workspace of function handles and objects, which MATLAB writes behind the variables.
    if (matrix.name === "") continue;
    if (variables.has(matrix.name)) {
      throw new CheckpointError("malformed", `the variable ${matrix.name} is there twice`, { file: source.name, offset: tag.start });
    }
    variables.set(matrix.name, { name: matrix.name, value: matrix.value });
    await ctx.tick(0);
  }
  return { version: compressed ? "7" : "5", bigEndian, header: text, variables: [...variables.values()], remarks };
}

interface Reading {
  readonly source: ByteSource;
  readonly cursor: Cursor;
  readonly ctx: Context;
  readonly keep: KeepRule;
  readonly budget: MatBudget;
  readonly remarks: MatFile["remarks"][number][];
}

async function readHeader(source: ByteSource): Promise<{ bigEndian: boolean; text: string }> {
  if (source.size < headerBytes) {
    throw new CheckpointError("truncated", `a MAT-file's header takes ${headerBytes} bytes, the file has ${source.size}`, {
      file: source.name,
    });
  }
  const bytes = await source.read(0, headerBytes);
  const order = String.fromCharCode(bytes[126] ?? 0, bytes[127] ?? 0);
  if (order !== "IM" && order !== "MI") {
    throw new CheckpointError("malformed", "no byte order mark (IM or MI) at the end of the MAT-file's header", {
      file: source.name,
      offset: 126,
    });
  }
  const bigEndian = order === "MI";
  const major = bytes[bigEndian ? 124 : 125];
  if (major !== 1) throw new CheckpointError("unsupported", `MAT-file version ${major}, 1 is level 5`, { file: source.name, offset: 124 });
  return { bigEndian, text: headerText(bytes) };
}

async function readTopTag({ source, cursor }: Reading): Promise<Tag> {
  const start = cursor.position;
  if (cursor.remaining < 8) {
    throw new CheckpointError("truncated", `${cursor.remaining} bytes are left where an element's tag takes 8`, {
      file: source.name,
      offset: start,
    });
  }
  const tag = await readTag(cursor, source.size);
  if (tag.type !== miMatrix && tag.type !== miCompressed) {
    throw new CheckpointError("malformed", `element type ${tag.type} where a variable (${miMatrix} or ${miCompressed}) is needed`, {
      file: source.name,
      offset: start,
    });
  }
  if (tag.length === 0) throw new CheckpointError("malformed", "a variable without contents", { file: source.name, offset: start });
  return tag;
}

async function readElement(reading: Reading, tag: Tag): Promise<Matrix> {
  const { source, cursor } = reading;
  if (tag.data + tag.length > source.size) {
    const name = await nameOfCut(reading, tag);
    throw new CheckpointError(
      "truncated",
      `the variable${name === "" ? "" : ` ${name}`} takes ${tag.length} bytes, the file has ${source.size - tag.data} more`,
      {
        file: source.name,
        offset: tag.start,
        hint: "the file is cut short: download or copy it again",
      },
    );
  }
  if (tag.type === miMatrix) return parseMatrix({ ...reading, cursor }, tag, "", 0);
  try {
    return await readCompressed(reading, tag);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    // Offsets inside the inflated bytes lead nowhere: the element's own place in the file does.
    throw new CheckpointError(error.code, `in the compressed element: ${error.message}`, {
      ...error.where,
      file: source.name,
      offset: tag.start,
    });
  }
}

async function readCompressed(reading: Reading, tag: Tag): Promise<Matrix> {
  const { cursor, ctx } = reading;
  const spool = (inner: ByteSource): ByteSource => (ctx.values ? ctx.random(inner) : inner);
  const { source, lacking } = await openCompressed(
    reading.source,
    { offset: tag.data, length: tag.length },
    cursor.bigEndian,
    reading.budget,
    spool,
  );
  const inner = new Cursor(source, 0, source.size, { bigEndian: cursor.bigEndian });
  const matrix = await parseMatrix({ ...reading, cursor: inner }, await readTag(inner, source.size), "", 0);
  // The last byte: what was skipped is inflated, the checksum compared, and bytes behind the array are found.
  inner.seek(source.size - 1);
  await inner.need(1);
  if (lacking() !== 0 && lacking() !== matrix.excess) {
    throw new CheckpointError("truncated", `the encoded data ends after ${source.size - lacking()} of ${source.size} bytes`);
  }
  return matrix;
}

/** The name of a variable that the file cuts off; "" where not even that is left. */
async function nameOfCut(reading: Reading, tag: Tag): Promise<string> {
  const { source, cursor } = reading;
  try {
    if (tag.type === miMatrix) return await readMatrixName(cursor, source.size);
    const { source: inner } = await openCompressed(
      source,
      { offset: tag.data, length: source.size - tag.data },
      cursor.bigEndian,
      reading.budget,
      (forward) => forward,
    );
    try {
      return await readMatrixName(new Cursor(inner, 8, inner.size, { bigEndian: cursor.bigEndian, chunk: 256 }), inner.size);
    } finally {
      await inner.close();
    }
  } catch (error) {
    // The name is only for the message about the cut, which is thrown in any case.
    if (isCheckpointError(error)) return "";
    throw error;
  }
}
