import { InvalidArgumentError } from "commander";

/** Parsers of option values. They throw what commander turns into "option '…' argument '…' is invalid. …". */

/** Of `--amplified`, on every command that reads values. */
export const amplifiedHelp = "read values that the file holds less than 1/2000 of too: terabytes may come of a few bytes";

/** Repeatable options gather their values. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** name,shape,role */
export function listed(value: string): readonly string[] {
  return value.split(",").map((item) => item.trim());
}

/** 224x224x3, or 224x224 */
export function inputSize(text: string): readonly [height: number, width: number, channels: number | undefined] {
  const match = /^(\d+)[x×](\d+)(?:[x×](\d+))?$/.exec(text);
  const dims = match?.slice(1, 4).map((dim) => (dim === undefined ? undefined : Number(dim)));
  const [height, width, channels] = dims ?? [];
  if (height === undefined || width === undefined || height < 1 || width < 1 || channels === 0) {
    throw new InvalidArgumentError("Height, width and channels are needed, as in 224x224x3.");
  }
  return [height, width, channels];
}

export function parseWholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

/** 2/7: the second of seven parts */
export function shardOf(text: string): { readonly number: number; readonly of: number } {
  const [, first = "0", second = "0"] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  const [number, of] = [Number(first), Number(second)];
  if (number < 1 || number > of) throw new InvalidArgumentError("Two numbers are needed, as in 1/7 to 7/7.");
  return { number, of };
}

export function fromOne(text: string): number {
  const value = parseWholeNumber(text);
  if (value === 0) throw new InvalidArgumentError("A whole number from 1 is needed.");
  return value;
}

/** Of `--threads`, on every command that reads all values of a large file. */
export const threadsHelp = "threads that share the work on one large checkpoint: as many as there are cores, up to 4, unless said";

/** Of `--jobs`, on every command that takes many checkpoints. */
export const jobsHelp = "checkpoints that are worked on at once, each in a thread of its own";

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("A number that is not negative is needed.");
  return value;
}

const units: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["B", 1],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KIB", 1024],
  ["MIB", 1024 ** 2],
  ["GIB", 1024 ** 3],
  ["TIB", 1024 ** 4],
]);

/** 2GB, 500MiB, 1000000 */
export function byteCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = units.get((match?.[2] ?? "?").toUpperCase());
  if (match === null || unit === undefined) throw new InvalidArgumentError("A size is needed, as in 2GB or 500MiB.");
  return Math.floor(Number(match[1]) * unit);
}
