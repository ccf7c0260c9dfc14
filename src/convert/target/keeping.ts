import { CheckpointError } from "../../errors.ts";
import type { Format } from "../../format-row.ts";
import { findFormat } from "../../formats.ts";
import type { ConversionTarget, OutputFiles } from "./conversion-target.ts";
import type { Target } from "./targets.ts";

/** A file of this format with names and axes as they are: what every target begins with. */
export function keeping(row: Target, format: Format): ConversionTarget {
  return {
    row,
    format,
    title: format.id,
    scheme: "keep",
    holds: (dtype) => format.dtypes?.has(dtype) ?? true,
    naming: "keep",
    layout: "keep",
    fillsNeutral: false,
    takes: () => true,
    files: writtenFiles(format, row),
    own: new Map(),
    reads: [],
    warnings: [],
  };
}

/** The files that a format's writer makes. */
function writtenFiles(format: Format, row: Target): OutputFiles {
  return {
    describes: format.describes === true && row.options?.get("kind") !== "weights",
    async layouts(input) {
      const writer = await format.write?.();
      if (writer === undefined) throw new CheckpointError("unsupported", `${format.id} cannot be written`);
      return { layouts: writer.layout(input), close: async () => {} };
    },
  };
}

/** The format of a row. Throws `unsupported` where it is only read. */
export function writable({ format: id }: Target): Format {
  const format = findFormat(id);
  if (format?.write !== undefined) return format;
  throw new CheckpointError("unsupported", `${id} cannot be written`, { hint: "'vggtool formats' lists what can" });
}
