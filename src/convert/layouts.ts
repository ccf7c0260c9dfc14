import { CheckpointError } from "../errors.ts";
import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import type { FileLayout, WriterInput } from "../writers/layout.ts";
import type { ConvertRequest } from "./convert.ts";
import { describeOutput, outputPreprocessing, withArea } from "./describe.ts";
import { keepsOwn } from "./like.ts";
import type { ConvertOptions } from "./options.ts";
import type { OutputPlace } from "./output-name.ts";
import type { Prepared } from "./prepared.ts";
import { siblingsOf } from "./siblings.ts";
import { templatePieces } from "./template.ts";

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
  if (prepared.template === undefined || like === undefined) {
    return { layouts: await written(prepared, checkpoint, identity, options, place), close: async () => {} };
  }
  const moves = prepared.plan.moves.filter((move) => !keepsOwn(move));
  const own: FileLayout = { name: place.name, pieces: templatePieces(prepared.template, like.checkpoint, moves) };
  const { layouts, close } = await siblingsOf(like, place.name);
  return { layouts: [...layouts, own], close };
}

async function written(
  prepared: Prepared,
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  options: ConvertOptions,
  place: OutputPlace,
): Promise<readonly FileLayout[]> {
  const { plan, format, target, area } = prepared;
  const writer = await format.write?.();
  if (writer === undefined) throw new CheckpointError("unsupported", `${format.id} cannot be written`);
  const network = prepared.network === undefined ? undefined : withArea(prepared.network, area);
  const preprocessing = outputPreprocessing(identity, options);
  const settings = new Map(target.options ?? []);
  if (options.maxShardSize !== undefined) settings.set("max-shard-size", String(options.maxShardSize));
  if (options.compress === true) settings.set("compress", "true");
  const names = classNames(checkpoint, network?.classes);
  const input: WriterInput = {
    name: place.name,
    tensors: plan.moves.map((move) => ({
      key: move.to,
      dtype: move.toDtype,
      shape: move.toShape,
      ...(move.fills[0]?.role === undefined ? {} : { role: move.fills[0].role }),
    })),
    ...(network === undefined ? {} : { network }),
    ...(preprocessing === undefined ? {} : { preprocessing }),
    ...names,
    metadata: describeOutput(plan, identity, network, preprocessing, names.labels),
    options: settings,
  };
  return writer.layout(input);
}

/** The names that a MatConvNet file gives its classes, where the output still has as many. */
function classNames(checkpoint: Checkpoint, classes: number | undefined): { readonly labels?: readonly string[] } {
  const names = checkpoint.metadata.get("meta.classes.description");
  if (!Array.isArray(names) || names.length !== classes) return {};
  return { labels: names.map((name) => (typeof name === "string" ? name : "")) };
}
