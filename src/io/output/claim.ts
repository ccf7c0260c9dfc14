import { statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { existingFolder } from "./existing-folder.ts";
import {
  createTemporary,
  isAtWork,
  namesIn,
  parseTemporary,
  removeStale,
  removeTemporary,
  shortName,
  type TemporaryName,
} from "./temporary-name.ts";

/** One run's right to write an output, until it is released. */
export interface Claim {
  release(): Promise<void>;
}

/** Between two looks at a rival that has not decided yet, in ms. */
const pause = 2;
/** A rival decides within microseconds; one that has not after so many looks is taken for one that has the output. */
const looks = 200;

/**
 * Claims an output for this run by a temporary file beside it. The file is empty while the run looks for others, and has a byte when the claim
 * counts: of two that look at the same time, the process of the lower number goes on. Throws `usage` where another run has the output.
 */
export async function claim(output: string): Promise<Claim> {
  const folder = existingFolder(dirname(output));
  // With the folders that are still to be made: outputs of one name in two of them are two outputs.
  const name = shortName(relative(folder, output).replaceAll(sep, "%2F"));
  removeStale(folder);
  const own = createTemporary(folder, name, { shown: output, use: "temporary" });
  const release = async (): Promise<void> => {
    await own.close();
    removeTemporary(own.path);
  };
  try {
    for (let look = 1; ; look += 1) {
      const rivals = rivalsOf(own.path, folder, name);
      const owner = rivals.find((rival) => rival.counts || rival.first || look > looks);
      if (owner !== undefined) throw isBusy(output, owner);
      if (rivals.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    await own.write(0, Uint8Array.of(0x0a));
    return { release };
  } catch (error) {
    await release();
    throw error;
  }
}

interface Rival {
  readonly pid: number;
  readonly path: string;
  readonly counts: boolean;
  /** Goes before this run where both look. */
  readonly first: boolean;
}

function rivalsOf(ownPath: string, folder: string, name: string): readonly Rival[] {
  const own = parseTemporary(basename(ownPath));
  if (own === undefined) throw new Error(`${ownPath} is no temporary name`);
  const rivals: Rival[] = [];
  for (const file of namesIn(folder)) {
    const other = parseTemporary(file);
    const path = join(folder, file);
    if (other === undefined || other.name !== name || path === ownPath || !isAtWork(other, path)) continue;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) rivals.push({ pid: other.pid, path, counts: stat.size > 0, first: isBefore(other, own) });
  }
  return rivals;
}

function isBefore(a: TemporaryName, b: TemporaryName): boolean {
  return a.pid === b.pid ? a.count < b.count : a.pid < b.pid;
}

function isBusy(output: string, { pid, path }: Rival): CheckpointError {
  return new CheckpointError("usage", `another run is writing this output (process ${pid})`, {
    file: output,
    hint: `wait until it is done, or choose another name with -o; if process ${pid} is no vggtool, remove ${path}`,
  });
}
