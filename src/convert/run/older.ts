import { CheckpointError } from "../../errors.ts";
import { olderFiles } from "../../io/output/older.ts";
import { existsAlready, freeBytes } from "../../io/output/output.ts";
import type { Replaced } from "../../io/output/place.ts";
import { join } from "../../io/path.ts";
import { isInside, samePath } from "../../io/same-path.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { layoutBytes } from "../../writers/execute.ts";
import { formsOf } from "../../writers/forms.ts";
import type { FileLayout } from "../../writers/layout.ts";
import type { Input } from "../target/conversion-target.ts";
import type { OutputPlace } from "../target/output-name.ts";
import type { Target } from "../target/targets.ts";

/** Room for indexes, headers and temporary files of small tensors, in bytes. */
const slack = 1 << 20;

/** Where the files of a checkpoint may be: beside what was named, in it, or as the reader says. */
function inputFiles({ files }: Checkpoint, input: string): readonly string[] {
  const folder = join(input, "..");
  return [input, ...files.flatMap((file) => [join(folder, file), join(input, file), file])];
}

/** Never onto an input, in its place, nor between the files of one. Throws `usage`. */
export function refuseInputs(paths: readonly string[], older: Replaced, { checkpoint, path: input }: Input): void {
  if (input === undefined) return;
  const inputs = inputFiles(checkpoint, input);
  for (const path of [...paths, ...older.entries, ...older.parts]) {
    if (inputs.some((other) => samePath(path, other))) {
      throw new CheckpointError("usage", "the output would replace the input", { file: path, hint: "choose another name with -o" });
    }
  }
  const inside = checkpoint.files.length > 0 ? paths.find((path) => isInside(path, input)) : undefined;
  if (inside !== undefined) {
    throw new CheckpointError("usage", "the output would be inside the input's folder", {
      file: inside,
      hint: "choose another place with -o",
    });
  }
}

/** The files of an older output that a new one at this place replaces, and the new one's own names where they are taken. */
export function olderOutput(place: OutputPlace, layouts: readonly FileLayout[], { output }: Target): Replaced {
  const names = layouts.map(({ name }) => name);
  // Shards are opened by an index, whose name is not the one that was asked for.
  const opened = output === "file" ? [...new Set([place.name, ...names.slice(-1)])] : [place.name];
  const forms = opened.map((name) => formsOf(name, output));
  return olderFiles(place.folder, {
    entries: forms.flatMap(({ entries }) => entries),
    parts: forms.flatMap(({ parts }) => parts),
    names,
  });
}

/** What a person opens next: the path that was asked for, or the index of several files. */
export function openedBy(place: OutputPlace, layouts: readonly FileLayout[], { output }: Target): string {
  const entry = layouts.at(-1)?.name ?? place.name;
  return output === "file" && entry !== place.name ? join(place.folder, entry) : place.path;
}

/** Without `force`: no file of any form that a checkpoint of this name may have. Throws `usage`. */
export function refuseOlder({ entries, parts }: Replaced, force: boolean): void {
  const [first] = [...entries, ...parts];
  if (first !== undefined && !force) throw existsAlready(first);
}

/** Throws `io` where the files of an output are larger than the room that is left. */
export function refuseFullDisk(layouts: readonly FileLayout[], { folder }: OutputPlace): void {
  const needed = layouts.reduce((sum, { pieces }) => sum + layoutBytes(pieces), slack);
  const free = freeBytes(folder);
  if (needed > free) throw new CheckpointError("io", `the output needs ${needed} bytes, ${free} are free`, { file: folder });
}
