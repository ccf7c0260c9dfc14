import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Identity } from "../model/identity.ts";
import type { Raster } from "../report/picture/raster.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import { nearest } from "../text/nearest.ts";
import { type Checks, checkInput, checkOptions, flag, text } from "./checks.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { verify } from "./verify.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `show` takes beside what every verb takes: one of `filters`, `histogram` and `activations`. */
export interface ShowOptions extends RunOptions {
  /** The filters of this layer: conv1_1. */
  readonly filters?: string;
  /** The values of this tensor: a key, a role, or a layer, whose weights are then shown. */
  readonly histogram?: string;
  /** What a layer makes of this picture: a file. */
  readonly activations?: string;
  /** The layer of `activations`; conv3_1 where absent. */
  readonly layer?: string;
  /** Path of a picture that is written: .png or .svg. */
  readonly output?: string;
  /** Replace what is there already. */
  readonly force?: boolean;
}

/** A picture of what is in a checkpoint; field names are part of the command-line contract. */
export interface ShowRecord {
  readonly schema: "vggtool/show/1";
  /** What is drawn, and how: a sentence. */
  readonly about: string;
  readonly output: string | null;
  readonly picture: Raster;
}

const showChecks: Checks<ShowOptions> = {
  ...runChecks,
  filters: text,
  histogram: text,
  activations: text,
  layer: text,
  output: text,
  force: flag,
};

/**
 * Draws the filters of a layer, the values of a tensor, or what a layer makes of a picture. With `output` also written, as PNG or SVG.
 *
 * @throws CheckpointError `usage`, `not-found` for a layer or tensor that is not there, `unsupported` and the others of docs/errors.md.
 * @example
 * const { picture } = await show("vgg16.pth", { filters: "conv1_1", output: "filters.png" });
 * console.log(picture.width, picture.height);
 */
export async function show(input: CheckpointInput, options: ShowOptions = {}): Promise<ShowRecord> {
  await spoken(undefined, async () => {
    checkInput("show", input);
    checkOptions("show", options, showChecks);
    checkChoice(options);
  });
  const { activations, layer, filters: _filters, histogram: _histogram, output, force, ...run } = options;
  const drawn = await spoken(nameOfInput(input), async () =>
    activations === undefined ? ofWeights(input, options, run) : ofRun(input, activations, layer ?? "conv3_1", run),
  );
  if (output !== undefined) await spoken(output, () => written(drawn.picture, output, force === true));
  return { schema: "vggtool/show/1", about: drawn.about, output: output ?? null, picture: drawn.picture };
}

function checkChoice({ filters, histogram, activations, layer, output }: ShowOptions): void {
  const asked = [filters, histogram, activations].filter((each) => each !== undefined).length;
  if (asked !== 1) {
    throw new CheckpointError("usage", `show draws one thing, and ${asked} were asked for`, {
      hint: "say one of --filters conv1_1, --histogram fc6 and --activations picture.jpg",
    });
  }
  if (layer !== undefined && activations === undefined) throw new CheckpointError("usage", "--layer belongs to --activations");
  if (output !== undefined && !/\.(png|svg)$/i.test(output)) {
    throw new CheckpointError("usage", "pictures are written as .png or .svg", { file: output, hint: `-o ${output}.png` });
  }
}

interface Drawn {
  readonly about: string;
  readonly picture: Raster;
}

async function ofWeights(input: CheckpointInput, asked: Pick<ShowOptions, "filters" | "histogram">, run: RunOptions): Promise<Drawn> {
  return withContext(nameOfInput(input), run, { values: true }, async (ctx) => {
    const [{ open }, { identify }, { withRealNumbers }] = await Promise.all([
      import("../open.ts"),
      import("../model/identify.ts"),
      import("../tensor/dequantised.ts"),
    ]);
    const checkpoint = withRealNumbers(await open(input, ctx, run));
    try {
      const identity = identify(checkpoint);
      if (asked.filters !== undefined) return await ofFilters(asked.filters, checkpoint, identity, ctx);
      return await ofValues(asked.histogram ?? "", checkpoint, identity, ctx);
    } finally {
      await checkpoint.close();
    }
  });
}

async function ofFilters(layer: string, checkpoint: Checkpoint, identity: Identity | undefined, ctx: Context): Promise<Drawn> {
  const [{ layerWeights }, { layerFilters }, { sheetPicture, placesPicture }] = await Promise.all([
    import("../inspect/findings/layer-weights.ts"),
    import("../inspect/filters.ts"),
    import("../report/picture/draw.ts"),
  ]);
  if (identity === undefined)
    throw new CheckpointError("unsupported", "no VGG network was recognised, so that no layer is known by its name");
  const weights = layerWeights(checkpoint, identity);
  const weight = weights.find((each) => each.layer === layer);
  if (weight === undefined)
    throw unknownTo(
      "no layer",
      layer,
      weights.map((each) => each.layer),
    );
  const found = await layerFilters(weight, identity, ctx);
  if (found === undefined) {
    throw new CheckpointError("unsupported", `${layer} has no kernels to draw`, { hint: `--histogram ${layer} shows its values` });
  }
  if ("places" in found) {
    const { outputs, inputs } = found.places;
    const about = `${outputs} filters of ${layer}: how much of each one's energy is at each place of its kernel, over its first ${inputs} inputs`;
    return { about, picture: placesPicture(found.places) };
  }
  const { sheet } = found;
  const order =
    sheet.order === null
      ? "drawn as RGB, as nothing says their order"
      : `the first is ${sheet.order === "bgr" ? "blue" : "red"}${sheet.orderSource === "read" ? "" : ", by convention"}`;
  const channels = sheet.channels < 3 ? "the first channel" : `${sheet.channels} channels, ${order}`;
  return { about: `${sheet.outputs} filters of ${layer}: ${channels}`, picture: sheetPicture(sheet) };
}

async function ofValues(name: string, checkpoint: Checkpoint, identity: Identity | undefined, ctx: Context): Promise<Drawn> {
  const [{ statistics, statsRecord }, { histogramPicture }] = await Promise.all([
    import("../inspect/stats.ts"),
    import("../report/picture/draw.ts"),
  ]);
  const roles = [...(identity?.roles ?? [])].flatMap(([role, slot]) => ("key" in slot ? [[String(role), slot.key] as const] : []));
  const byRole = new Map(roles);
  const key = checkpoint.tensors.has(name) ? name : (byRole.get(name) ?? byRole.get(`${name}.weight`));
  if (key === undefined) throw unknownTo("no tensor, role or layer", name, [...checkpoint.tensors.keys(), ...byRole.keys()]);
  const found = (await statistics(checkpoint, ctx, { names: new Set([key]) })).get(key);
  const histogram = found === undefined ? null : statsRecord(found).histogram;
  if (found === undefined || histogram === null)
    throw new CheckpointError("unsupported", "it has no finite values to count", { tensor: key });
  return {
    about: `${found.count} values of ${key}, from ${histogram.from} to ${histogram.to}; heights are square roots of counts`,
    picture: histogramPicture(histogram),
  };
}

async function ofRun(input: CheckpointInput, picture: string, layer: string, run: RunOptions): Promise<Drawn> {
  const record = await verify(input, { ...run, input: picture, until: layer, descriptor: layer, top: 0 });
  const { shape = [], values = [] } = record.descriptor ?? {};
  const [, count = 0, height = 1, width = 1] = shape;
  if (values.length < count * height * width || count === 0) {
    throw new CheckpointError("unsupported", `${layer} has ${count * height * width} outputs, more than a picture is made of`, {
      hint: "--layer conv3_1, or another layer further back",
    });
  }
  const { mapsPicture } = await import("../report/picture/draw.ts");
  const maps = Float32Array.from(values.slice(0, count * height * width));
  return {
    about: `${count} outputs of ${layer} for ${picture}, each from its own least to its own largest value`,
    picture: mapsPicture(maps, [count, height, width]),
  };
}

function unknownTo(what: string, name: string, known: readonly string[]): CheckpointError {
  const near = nearest(name, known);
  return new CheckpointError(
    "not-found",
    `${what} of the file is called ${name}`,
    near === undefined ? {} : { hint: `did you mean ${near}?` },
  );
}

async function written(picture: Raster, path: string, force: boolean): Promise<void> {
  const [{ pngBytes, svgText }, { writeWhole }] = await Promise.all([
    import("../report/picture/files.ts"),
    import("../io/output/write-whole.ts"),
  ]);
  const bytes = /\.png$/i.test(path) ? await pngBytes(picture) : new TextEncoder().encode(svgText(picture));
  await writeWhole(path, [bytes], force);
}
