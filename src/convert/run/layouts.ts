import type { Context } from "../../io/context.ts";
import type { Identity } from "../../model/identity.ts";
import { labelsOf } from "../../model/labels.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { WriterInput } from "../../writers/layout.ts";
import type { Decided } from "../decide.ts";
import type { ConvertOptions } from "../options.ts";
import { specOf } from "../plan/carried-move.ts";
import type { Layouts } from "../target/conversion-target.ts";
import type { OutputPlace } from "../target/output-name.ts";
import type { ConvertRequest } from "../target/request.ts";
import { describeOutput, outputPreprocessing, withArea } from "./describe.ts";
import { needsSidecar, sidecarLayout } from "./sidecar.ts";

export async function layoutsFor(
  decided: Decided,
  { checkpoint, identity }: ConvertRequest,
  options: ConvertOptions,
  place: OutputPlace,
  ctx: Context,
): Promise<Layouts> {
  const input = writerInput(decided, checkpoint, identity, options, place);
  const aside = identity !== undefined && options.sidecar !== false && needsSidecar(decided.target);
  const beside = aside ? [sidecarLayout(place.name, input.metadata)] : [];
  const { layouts, close } = await decided.target.files.layouts(input, decided.plan, ctx);
  return { layouts: [...beside, ...layouts], close };
}

function writerInput(
  { plan, target, area }: Decided,
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  options: ConvertOptions,
  place: OutputPlace,
): WriterInput {
  const network = target.network === undefined ? undefined : withArea(target.network, area);
  const preprocessing = outputPreprocessing(identity, options);
  const settings = new Map(target.row.options ?? []);
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
