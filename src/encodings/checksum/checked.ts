import { CheckpointError, type ErrorWhere } from "../../errors.ts";
import { currentCrew } from "../../io/crew/crew.ts";
import { WORTH_ASKING } from "../../io/crew/job.ts";
import { checkRange } from "../../io/source/range.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { openFileOf, window } from "../../io/source/window.ts";
import { turn } from "../../io/system.ts";
import type { Crc } from "./crc.ts";
import { crc32 } from "./crc32.ts";
import { crc32c } from "./crc32c.ts";
import { joinedSum } from "./divided.ts";

/** Bytes `offset` to `offset + size` of a file. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

/** The stored checksum and how it is computed. */
export interface Checksum {
  readonly value: number;
  readonly compute: Crc;
}

/** What is known of a checked range; shared by all sources that expose parts of it, so that it is compared once. */
export interface CheckState {
  verified: boolean;
  checking?: Promise<void>;
}

export interface CheckedOptions {
  /** What an error names besides the file. */
  readonly where?: ErrorWhere;
  readonly state?: CheckState;
  /** Where the bytes are as they are. */
  readonly within?: ByteSource["within"] | undefined;
}

/** Read at a time by the checking pass. */
const chunk = 1 << 20;

/**
 * The bytes of `inner` as a source, with `outer` (which holds `inner`) checked against its checksum, a CRC-32C where it is a bare
 * number. Read in order, the checksum runs along and is compared with the last byte; the first read out of order is preceded by one
 * pass over what is left, so that no value of a damaged tensor is used in silence. Throws `malformed` on a mismatch.
 */
export function checked(
  file: ByteSource,
  outer: Range,
  checksum: number | Checksum,
  inner: Range,
  { where = {}, state = { verified: false }, within }: CheckedOptions = {},
): ByteSource {
  const { value: crc, compute } = typeof checksum === "number" ? { value: checksum, compute: crc32c } : checksum;
  const outerEnd = outer.offset + outer.size;
  const innerEnd = inner.offset + inner.size;
  let position = outer.offset; // bytes before it are in `rolled`
  let rolled = 0;

  const compare = (found: number): void => {
    if (found === crc) {
      state.verified = true;
      return;
    }
    const hex = (value: number): string => value.toString(16).padStart(8, "0");
    throw new CheckpointError("malformed", `the checksum of ${outer.size} bytes is wrong: stored ${hex(crc)}, computed ${hex(found)}`, {
      file: file.name,
      offset: outer.offset,
      ...where,
    });
  };
  /** Has a helper thread sum up a piece that begins at `from`, where there is one and it can read the file. */
  const askToSum = (from: number, to: number) => {
    const place = openFileOf(file, from);
    const length = Math.min(chunk, to - from);
    const checksum = compute === crc32c ? "crc32c" : compute === crc32 ? "crc32" : undefined;
    if (place === undefined || checksum === undefined || length < WORTH_ASKING) return undefined;
    const answer = currentCrew()?.ask({ kind: "sumFile", checksum, ...place, length });
    return answer === undefined ? undefined : ({ checksum, answer, length } as const);
  };
  /** The checksum of `from` to `to` behind `start`. */
  const roll = async (from: number, to: number, start: number, pausing = false): Promise<number> => {
    const buffer = new Uint8Array(Math.min(chunk, to - from));
    let result = start;
    for (let at = from; at < to; ) {
      const here = Math.min(buffer.length, to - at);
      const helped = askToSum(at + here, to);
      result = compute(await file.read(at, here, buffer), result);
      at += here;
      const found = helped?.answer();
      if (helped !== undefined && found !== undefined) {
        result = joinedSum(helped.checksum, result, found, helped.length);
        at += helped.length;
      }
      if (pausing) await turn();
    }
    return result;
  };
  const checkRest = async (pausing = false): Promise<void> => {
    state.checking ??= roll(position, outerEnd, rolled, pausing).then(compare);
    await state.checking;
  };
  return {
    name: file.name,
    size: inner.size,
    access: file.access,
    checks: { source: file, offset: inner.offset },
    ...(within === undefined ? {} : { within }),
    get late() {
      if (file.access !== "random") return undefined;
      const verified = async (): Promise<void> => {
        if (!state.verified) await checkRest(true);
      };
      return { source: window(file, inner.offset, inner.size), verified };
    },
    async read(offset, length, into) {
      checkRange(file.name, inner.size, offset, length, into);
      const from = inner.offset + offset;
      const to = from + length;
      if (!state.verified && from === inner.offset && position < from) {
        const prefix = await roll(position, from, rolled);
        rolled = prefix;
        position = from;
      }
      if (!state.verified && to > position && from !== position) await checkRest();
      const bytes = await file.read(from, length, into);
      if (!state.verified && from === position) {
        rolled = compute(bytes, rolled);
        position = to;
        if (to === innerEnd) compare(await roll(to, outerEnd, rolled));
      }
      return bytes;
    },
    async close() {},
  };
}
