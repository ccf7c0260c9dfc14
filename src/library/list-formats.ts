import type { FormatsRecord } from "../convert/formats-record.ts";

/**
 * What can be read and written, and the naming schemes: the words of the options `from`, `to`, `naming` and `layout`.
 *
 * @example
 * const { formats } = await listFormats();
 * console.log(formats.map(({ id }) => id));
 */
export async function listFormats(): Promise<FormatsRecord> {
  return (await import("../convert/formats-record.ts")).formatsRecord();
}
