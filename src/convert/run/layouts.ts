import { CheckpointError } from "../../errors.ts";
import type { Identity } from "../../model/identity.ts";
import { labelsOf } from "../../model/labels.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { FileLayout, WriterInput } from "../../writers/layout.ts";
import type { ConvertRequest } from "../convert.ts";
import { keepsOwn } from "../like/like.ts";
import { siblingsOf } from "../like/siblings.ts";
import { templatePieces } from "../like/template.ts";
import type { ConvertOptions } from "../options.ts";
import { specOf } from "../plan/carried-move.ts";
import type { OutputPlace } from "../target/output-name.ts";
import type { Prepared } from "../target/prepared.ts";
import { describeOutput, outputPreprocessing, withArea } from "./describe.ts";
import { needsSidecar, sidecarLayout } from "./sidecar.ts";

/** What is written, file by file, the entry last; `close` when it is. */
export interface Layouts {
  readonly layouts: readonly FileLayout[];
  close(): Promise<void>;
}

export async function layoutsFor(
  prepared: Prepared,
  request: ConvertRequest,
  options: ConvertOptions,
  place: OutputPlace,
): Promise<Layouts> {
  const { checkpoint, identity, like } = request;
  const input = writerInput(prepared, checkpoint, identity, options, place);
  const beside = identity !== undefined && needsSidecar(prepared) ? [sidecarLayout(place.name, input.metadata)] : [];
  if (prepared.template === undefined || like === undefined) {
    const writer = await prepared.format.write?.();
    if (writer === undefined) throw new CheckpointError("unsupported", `${prepared.format.id} cannot be written`);
    return { layouts: [...beside, ...writer.layout(input)], close: async () => {} };
  }
  const moves = prepared.plan.moves.filter((move) => !keepsOwn(move));
  const own: FileLayout = { name: place.name, pieces: templatePieces(prepared.template, like.checkpoint, moves) };
  const { layouts, close } = await siblingsOf(like, place.name);
  return { layouts: [...beside, ...layouts, own], close };
}

function writerInput(
  prepared: Prepared,
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  options: ConvertOptions,
  place: OutputPlace,
): WriterInput {
  const { plan, target, area } = prepared;
  const network = prepared.network === undefined ? undefined : withArea(prepared.network, area);
  const preprocessing = outputPreprocessing(identity, options);
  const settings = new Map(target.options ?? []);
  if (options.maxShardSize !== undefined) settings.set("max-shard-size", String(options.maxShardSize));
  if (options.compress === true) settings.set("compress", "true");
  const labels = labelsOf(checkpoint);
  // Of a head of another size they would name the wrong classes.
  const names = labels !== undefined && options.numClasses === undefined && labels.length === network?.classes ? { labels } : {};
  return {
    name: place.name,
    tensors: plan.moves.map(specOf),
    ...(network === undefined ? {} : { network }),
    ...(preprocessing === undefined ? {} : { preprocessing }),
    ...names,
    metadata: describeOutput(plan, identity, network, preprocessing, names.labels),
    options: settings,
  };
}
