import { sidecarSchema, sidecarSuffix } from "../../encodings/sidecar.ts";
import type { FileLayout } from "../../writers/layout.ts";
import { textPiece } from "../../writers/pieces.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";

/** Whether what is known of an output has to be in a file beside it, as its format has no room for that. */
export function needsSidecar({ files, row }: ConversionTarget): boolean {
  return row.output !== "folder" && !files.describes;
}

/** One JSON object; what other formats keep as JSON text is its own here. */
export function sidecarLayout(name: string, metadata: ReadonlyMap<string, string>): FileLayout {
  const fields = [...metadata].map(([key, text]) => `  ${JSON.stringify(key)}: ${/^[[{]/.test(text) ? text : JSON.stringify(text)}`);
  const lines = [`  "schema": ${JSON.stringify(sidecarSchema)}`, ...fields];
  return { name: name + sidecarSuffix, pieces: [textPiece(`{\n${lines.join(",\n")}\n}\n`)] };
}
