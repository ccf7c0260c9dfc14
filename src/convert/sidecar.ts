import { sidecarSchema, sidecarSuffix } from "../encodings/sidecar.ts";
import { existsBeside } from "../io/exists.ts";
import type { FileLayout } from "../writers/layout.ts";
import { textPiece } from "../writers/pieces.ts";
import type { OutputPlace } from "./output-name.ts";
import type { Prepared } from "./prepared.ts";

/** Whether what is known of an output has to lie beside it: its format has no place for that, or a file says so already. */
export function needsSidecar({ format, template, target }: Prepared, place: OutputPlace): boolean {
  if (target.output === "folder") return false;
  const inside = template === undefined && format.describes === true && target.options?.get("kind") !== "weights";
  return !inside || existsBeside(place.folder, place.name + sidecarSuffix);
}

/** One JSON object; what other formats keep as JSON text is its own here. */
export function sidecarLayout(name: string, metadata: ReadonlyMap<string, string>): FileLayout {
  const fields = [...metadata].map(([key, text]) => `  ${JSON.stringify(key)}: ${/^[[{]/.test(text) ? text : JSON.stringify(text)}`);
  const lines = [`  "schema": ${JSON.stringify(sidecarSchema)}`, ...fields];
  return { name: name + sidecarSuffix, pieces: [textPiece(`{\n${lines.join(",\n")}\n}\n`)] };
}
