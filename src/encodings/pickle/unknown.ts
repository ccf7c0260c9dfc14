import { CheckpointError } from "../../errors.ts";
import type { Note } from "../../tensor/checkpoint.ts";

/** Objects that no framework needs to be asked about: settings, dates, paths. Their class is reported, nothing else. */
const harmless = new Set([
  "argparse.Namespace",
  "types.SimpleNamespace",
  "pathlib.PosixPath",
  "pathlib.WindowsPath",
  "pathlib.PurePosixPath",
  "datetime.datetime",
  "datetime.date",
  "datetime.timedelta",
  "builtins.complex",
  "__builtin__.complex",
  "builtins.slice",
  "builtins.range",
  "__builtin__.xrange",
  "builtins.object",
  "torch.device",
  "uuid.UUID",
]);
/** Each class is reported once, with the place it was met first; a file of a thousand classes is recognised by their number. */
const maxNotes = 50;

/** Collects what a pickle would call and nobody here knows. */
export class UnknownObjects {
  readonly #first = new Map<string, { readonly path: string | undefined; count: number }>();

  add(callable: string | undefined, path: string | undefined): void {
    const name = callable ?? "an object made by another object";
    if (harmless.has(name)) return;
    const known = this.#first.get(name);
    if (known === undefined) this.#first.set(name, { path, count: 1 });
    else known.count += 1;
  }

  get size(): number {
    return this.#first.size;
  }

  notes(): Note[] {
    const notes = [...this.#first].slice(0, maxNotes).map(
      ([name, { path, count }]): Note => ({
        code: "unknown-object",
        message: `the pickle would call ${name}${count === 1 ? "" : ` (${count} times)`}: kept as an inert record, not run`,
        ...(path === undefined ? {} : { tensor: path }),
      }),
    );
    const more = this.#first.size - notes.length;
    if (more > 0) notes.push({ code: "unknown-object", message: `and ${more} more classes or functions that are unknown` });
    return notes;
  }

  /** The error for a pickle in which nothing else was found. */
  refusal(file: string): CheckpointError {
    const names = [...this.#first.keys()].slice(0, 5).join(", ");
    return new CheckpointError("unsafe", `the pickle holds no tensors, only calls of ${names}, which are not run`, { file });
  }
}
