import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import { type Bundle, openBundle } from "./bundle.ts";
import { locateTf, sidecars } from "./files.ts";

/*
 * TF V2 checkpoints, by tf.train.Saver (names are variables') and tf.train.Checkpoint or Keras (names are object paths, labels
 * the variables'): P.index, P.data-00000-of-0000N, and beside them P.meta and the text file `checkpoint`.
 */
export const reader: Reader = {
  async detect(probe) {
    const found = await locateTf(probe);
    if (found?.kind === "v2") return "sure";
    return found?.kind === "incomplete" ? "maybe" : undefined;
  },

  async read(probe, ctx) {
    const found = await locateTf(probe);
    if (found?.kind === "incomplete") throw found.error;
    if (found?.kind !== "v2") throw new CheckpointError("malformed", "this leads to no TensorFlow V2 checkpoint", { file: probe.entry });
    const bundle = await openBundle(probe.set, found.prefix, ctx);
    const beside = await sidecars(probe.set, found.prefix);
    return {
      format: "tf-v2",
      variant: variant(bundle),
      files: [...bundle.files, ...beside.files],
      bytes: bundle.bytes + beside.bytes,
      tensors: bundle.tensors,
      layers: [],
      metadata: new Map(),
      notes: bundle.notes,
      close: () => bundle.close(),
    };
  },
};

function variant(bundle: Bundle): string {
  const saved = bundle.objectBased ? "object-based" : "name-based";
  const files = bundle.shards === 1 ? "1 data file" : `${bundle.shards} data files`;
  return `TensorBundle, ${saved}, ${files}${bundle.bigEndian ? ", big-endian" : ""}`;
}
