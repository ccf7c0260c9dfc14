import { CheckpointError } from "../../errors.ts";
import type { FileLayout, Writer, WriterInput } from "../layout.ts";
import { roleTable } from "../roles.ts";
import { chainOf, learnt } from "./chain.ts";
import { dagnnFields } from "./dagnn.ts";
import { type MatNode, matHeader, struct, variable } from "./mat-pieces.ts";
import { metaOf } from "./meta.ts";
import { misplaced, type NetPlace, placeOf } from "./places.ts";
import { simplennLayers } from "./simplenn.ts";

/*
 * MatConvNet networks in level 5 MAT-files, not compressed (v6) or with the option `compress` (v7). The planned names say which
 * kind: `layers{1}.weights{1}` is simplenn, `params(1).value` and names of parameters (`conv1_1f`) dagnn; `net.` in front puts all of it into one variable, as training
 * checkpoints and Oxford's files have it, without that `layers` and `meta` are variables, as in vlfeat's downloads. All fully
 * connected layers are convolutions.
 */

export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const chain = chainOf(roleTable(input, "matconvnet"));
    const { kind, variable: name } = commonPlace(input);
    const placed = new Set(chain.flatMap(learnt));
    const left = input.tensors.find((spec) => !placed.has(spec));
    if (left !== undefined) throw misplaced(left, "any layer");
    const fields = new Map<string, MatNode>([
      ...(kind === "dagnn" ? dagnnFields(chain) : new Map([["layers", simplennLayers(chain)]])),
      ["meta", metaOf(input)],
    ]);
    const variables = name === undefined ? fields : new Map([[name, struct(fields)]]);
    const compress = input.options.get("compress") === "true";
    return [{ name: input.name, pieces: [matHeader(), ...[...variables].flatMap(([key, value]) => variable(key, value, compress))] }];
  },
};

/** The kind and the variable that all names agree on. */
function commonPlace({ tensors }: WriterInput): NetPlace {
  let common: NetPlace | undefined;
  for (const spec of tensors) {
    const place = placeOf(spec);
    if (common !== undefined && (place.kind !== common.kind || place.variable !== common.variable))
      throw misplaced(spec, "the same network");
    common ??= place;
  }
  if (common === undefined) throw new CheckpointError("mismatch", "a MatConvNet network without a tensor");
  return common;
}
