import { CheckpointError } from "../../errors.ts";
import { checkRange } from "../../io/source/range.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";

/** A file of a set that is open only while it is read: a folder of hundreds of parameters holds no hundreds of files open. */
export function reopened(set: FileSet, name: string, size: number): ByteSource {
  return {
    name,
    size,
    access: "random",
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const source = await set.open(name);
      if (source === undefined || source.size !== size)
        throw new CheckpointError("changed", "the file changed while it was read", { file: name });
      try {
        return await source.read(offset, length, into);
      } finally {
        await source.close();
      }
    },
    async close() {},
  };
}
