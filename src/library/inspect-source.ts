import { CheckpointError } from "../errors.ts";
import type { SourceRecord } from "../inspect/source/read-source.ts";
import { brief } from "../text/brief.ts";
import { textOrTexts } from "./checks.ts";
import { spoken } from "./with-context.ts";

/**
 * Checks the Python files or notebooks that built a network for layers that the framework never registers. They are read together, and
 * parsed, never run.
 *
 * @returns A record for each file: `faults`, the classes that were `read` to their end, and what was `unread`, with the reason.
 * @throws CheckpointError `not-found` and `io`; what cannot be read is said in the record.
 * @example
 * const [record] = await inspectSource("model.py");
 * console.log(record.faults, record.unread);
 */
export async function inspectSource(paths: string | readonly string[]): Promise<readonly SourceRecord[]> {
  return spoken(undefined, async () => {
    if (!textOrTexts.holds(paths))
      throw new CheckpointError("usage", `inspectSource was given ${brief(paths)}, needed a path or a list of paths`);
    return (await import("../inspect/source/read-source.ts")).readSources(typeof paths === "string" ? [paths] : paths);
  });
}

/**
 * Whether source records leave something unsaid: no fault was found, and not every class was read, or there is none.
 *
 * @example
 * const records = await inspectSource(["model.py", "blocks.py"]);
 * if (await sourceIsUnsaid(records)) process.exitCode = 2;
 */
export async function sourceIsUnsaid(records: readonly SourceRecord[]): Promise<boolean> {
  return (await import("../inspect/source/read-source.ts")).isUnsaid(records);
}
