import { sidecarSuffix } from "../encodings/sidecar.ts";

/**
 * A file, or the files of a set, by which a checkpoint of one name may be there: `*` is the name, `*` with the ending behind it the whole name
 * of a file; `#` means a digit.
 */
interface Form {
  /** Of outputs with this ending alone. */
  readonly ending?: string;
  /** What opens it. */
  readonly entry: string;
  readonly parts?: readonly string[];
}

/** What a new output of the name replaces: none of it may open any more, or be read along with the new files. */
const forms: Readonly<Record<"file" | "prefix" | "folder", readonly Form[]>> = {
  file: [
    { entry: "*{ending}" },
    // Hugging Face's, of safetensors and others.
    { entry: "*{ending}.index.json", parts: ["*-#####-of-#####{ending}"] },
    // Keras 3: save_weights with max_shard_size.
    { ending: ".weights.h5", entry: "*.weights.json", parts: ["*_#####.weights.h5"] },
    { ending: ".caffemodel", entry: "*.caffemodel", parts: ["*.prototxt"] },
  ],
  prefix: [
    { entry: "*.index", parts: ["*.data-#####-of-#####"] },
    // TensorFlow's V1, whole and in shards.
    { entry: "*" },
    { entry: "*-#####-of-#####" },
  ],
  folder: [{ entry: "model.json", parts: ["group{digits}-shard{digits}of{digits}.bin", "group{digits}-shard{digits}of{digits}"] }],
};

/** Endings of two parts; all others begin at the last dot. */
const longEndings: readonly string[] = [".weights.h5"];

/** Patterns of file names in the folder of an output. */
export interface OutputForms {
  readonly entries: readonly RegExp[];
  readonly parts: readonly RegExp[];
}

/** The files that a checkpoint under `name` may have, as far as they are written by us or by the frameworks for sets of several files. */
export function formsOf(name: string, output: "file" | "prefix" | "folder"): OutputForms {
  const whole = output === "file" ? name.replace(/\.index\.json$/i, "") : name;
  const ending = output === "file" ? endingOf(whole) : "";
  const stem = whole.slice(0, whole.length - ending.length);
  const fitting = forms[output].filter((form) => form.ending === undefined || form.ending === ending.toLowerCase());
  const named = (template: string): RegExp => pattern(template, stem, ending);
  const entries = fitting.map(({ entry }) => entry);
  const sidecars = output === "folder" ? [] : entries.filter((entry) => !entry.includes("#")).map((entry) => entry + sidecarSuffix);
  return { entries: entries.map(named), parts: [...fitting.flatMap(({ parts = [] }) => parts), ...sidecars].map(named) };
}

function endingOf(name: string): string {
  const long = longEndings.find((ending) => name.toLowerCase().endsWith(ending) && name.length > ending.length);
  const dot = name.lastIndexOf(".");
  return long === undefined ? (dot > 0 ? name.slice(dot) : "") : name.slice(name.length - long.length);
}

function pattern(template: string, stem: string, ending: string): RegExp {
  const source = template.replace(/\*|\{ending\}|\{digits\}|#|[^*{#]+/g, (piece) => {
    if (piece === "*") return escaped(stem);
    if (piece === "{ending}") return escaped(ending);
    if (piece === "{digits}") return "\\d+";
    return piece === "#" ? "\\d" : escaped(piece);
  });
  return new RegExp(`^${source}$`);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
