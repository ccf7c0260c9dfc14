import { basename, dirname, join } from "../../io/path.ts";
import { insideFolder } from "../../io/paths.ts";
import { isAddress, nameInAddress } from "../../io/remote/address.ts";
import { isFolderName, type Target } from "./targets.ts";

/** Endings that are taken off an input's name, longest first; a checkpoint's step (`model.ckpt-100`) is part of its name. */
const endings = [
  /\.safetensors\.index\.json$/i,
  /\.weights\.h5$/i,
  /\.(index|meta|data-\d{5}-of-\d{5})$/i,
  /\.(safetensors|npz|npy|pdparams|pdopt|pdiparams|pdmodel|ckpt|h5|hdf5|keras|mat|pth|pt|bin|caffemodel|prototxt|onnx|t7|params|weights|cfg|json|pb|gz|zip|tar)$/i,
];

/** The name without the endings of checkpoints. */
export function stem(path: string): string {
  let name = basename(path);
  for (let before = ""; before !== name; ) {
    before = name;
    for (const ending of endings) name = name.replace(ending, "") || name;
  }
  return name;
}

export interface OutputPlace {
  /** Where the files go. */
  readonly folder: string;
  /** For the writer: relative to `folder`. */
  readonly name: string;
  /** What a person would open. */
  readonly path: string;
}

/** Where the output goes: OUT exactly, else the input's stem with the target's ending beside the input (in the current folder for stdin and addresses), or inside OUT, where that names a folder. */
export function outputPlace(target: Target, out: string | undefined, input: string | undefined): OutputPlace {
  const path = out === undefined || (isFolderName(out) && target.output !== "folder") ? defaultPath(target, input, out) : out;
  if (target.output === "folder") return { folder: path, name: "model.json", path };
  return { folder: dirname(path), name: basename(path), path };
}

/** Where the output of one of many checkpoints goes: below a folder as it is below what was named, with the target's ending. */
export function placeBelow(target: Target, folder: string, place: string): string {
  const inside = insideFolder(place, folder);
  const parts = inside.split("/");
  const name = stem(parts.pop() ?? "") || "checkpoint";
  return join(folder, ...parts, `${name}${target.extensions[0] ?? ""}`);
}

function defaultPath(target: Target, input: string | undefined, folder: string | undefined): string {
  const extension = target.extensions[0] ?? "";
  const inside = (name: string): string => (folder === undefined ? name : join(folder, name));
  if (input === undefined || input === "-") return inside(`checkpoint${extension}`);
  if (isAddress(input)) return inside(`${stem(nameInAddress(input)) || "checkpoint"}${extension}`);
  const beside = join(folder ?? dirname(input), `${stem(input)}${extension}`);
  const own = join(dirname(input), basename(input));
  const taken = beside === own || (target.output === "prefix" && own.startsWith(`${beside}.`));
  if (!taken) return beside;
  const mark = target.scheme === "canonical" ? ".canonical" : ".converted";
  return join(folder ?? dirname(input), `${stem(input)}${mark}${extension}`);
}
