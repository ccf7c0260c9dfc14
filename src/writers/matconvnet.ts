import { CheckpointError } from "../errors.ts";
import type { ConvLayer, FcLayer, NetworkLayer } from "../model/network.ts";
import type { Preprocessing } from "../model/scheme.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "./layout.ts";
import { cell, logical, type MatNode, matHeader, row, singles, struct, tensor, text, variable } from "./mat-pieces.ts";
import { type RoleTable, roleTable } from "./roles.ts";

/*
 * A simplenn network as vlfeat's downloads keep it: variables `layers` and `meta`. The layers have all fields that
 * vl_simplenn_tidy would add, so that vl_simplenn runs the file as it is. Facts: matlab/simplenn/vl_simplenn_tidy.m and
 * vl_simplenn.m of vlfeat/matconvnet. All fully connected layers are convolutions there.
 */

export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const table = roleTable(input, "matconvnet");
    const layers = new LayerList(table);
    for (const layer of table.network.layers) layers.addLayer(layer);
    layers.refuseMisplaced(input.tensors);
    const compress = input.options.get("compress") === "true";
    const pieces = [
      matHeader(),
      ...variable("layers", cell(layers.nodes), compress),
      ...variable("meta", struct(new Map([["normalization", normalization(input)], ...classes(input.labels)])), compress),
    ];
    return [{ name: input.name, pieces }];
  },
};

/** The list of layers as it grows: a layer's number is part of its tensors' names. */
class LayerList {
  readonly nodes: MatNode[] = [];
  readonly #table: RoleTable;
  readonly #fcs: readonly FcLayer[];
  readonly #placed = new Map<TensorSpec, string>();

  constructor(table: RoleTable) {
    this.#table = table;
    this.#fcs = table.network.layers.filter((layer) => layer.kind === "fc");
  }

  addLayer(layer: NetworkLayer): void {
    switch (layer.kind) {
      case "conv":
        this.#conv(layer, [layer.pad[0], layer.pad[0], layer.pad[1], layer.pad[1]]);
        this.#norm(layer, `bn${suffix(layer.name)}`);
        this.#relu(`relu${suffix(layer.name)}`);
        return;
      case "pool":
        this.#pool(layer.name, layer.ceil);
        return;
      case "adaptive-pool":
        this.#refuseAdaptive(layer.size);
        return;
      case "fc":
        this.#fc(layer);
    }
  }

  /** The names that the tensors were planned with are the places where they ended up. */
  refuseMisplaced(tensors: readonly TensorSpec[]): void {
    const wrong = tensors.find((spec) => this.#placed.get(spec) !== spec.key);
    if (wrong === undefined) return;
    const place = this.#placed.get(wrong);
    throw new CheckpointError(
      "unsupported",
      place === undefined ? `a MatConvNet network has no place for ${wrong.key}` : `${wrong.key} is ${place} in a MatConvNet network`,
      { tensor: wrong.key, hint: "convert with --naming matconvnet, or leave it out with --exclude" },
    );
  }

  #fc(layer: FcLayer): void {
    const [, number = layer.name] = /^fc(\d+)$/.exec(layer.name) ?? [];
    const last = layer === this.#fcs.at(-1);
    this.#conv(layer, [0, 0, 0, 0]);
    this.#norm(layer, `bn${number}`);
    if (!last || layer.activation === "relu") this.#relu(`relu${number}`);
    if (!last) this.#add({ type: text("dropout"), name: text(`dropout${number}`), rate: row(0.5) });
    else if (layer.activation === "softmax") this.#add({ type: text("softmax"), name: text("prob") });
  }

  #conv(layer: ConvLayer | FcLayer, pad: readonly number[]): void {
    const weight = this.#place(this.#table.need(`${layer.name}.weight`), 1);
    if (weight.shape.length < 2 || weight.shape.length > 4) {
      throw new CheckpointError("unsupported", `MatConvNet's filters have 4 dimensions, ${weight.key} has ${weight.shape.length}`, {
        tensor: weight.key,
      });
    }
    const found = this.#table.find(`${layer.name}.bias`);
    // vl_nnconv takes an empty array for "no bias".
    const bias = found === undefined ? singles([0, 0], []) : tensor(this.#place(found, 2));
    this.#add({
      type: text("conv"),
      name: text(layer.name),
      weights: cell([tensor(weight), bias]),
      pad: row(...pad),
      stride: row(1, 1),
      dilate: row(1, 1),
      opts: cell([]),
    });
  }

  /** weights = { gamma, beta, moments }, moments C×2: mean and sqrt(var + epsilon). */
  #norm(layer: ConvLayer | FcLayer, name: string): void {
    if (layer.batchNorm === undefined) return;
    const role = `${layer.name}.bn`;
    const moments = this.#table.find(`${role}.mean`) ?? this.#table.need(`${role}.var`);
    const channels = moments.shape[0] ?? 0;
    if (moments.shape.length !== 2 || moments.shape[1] !== 2) {
      throw new CheckpointError(
        "unsupported",
        `MatConvNet keeps mean and deviation in one array of ${channels}x2, ${moments.key} is ${moments.shape.join("x")}`,
        {
          tensor: moments.key,
          hint: "convert with --naming matconvnet",
        },
      );
    }
    const vector = (part: string, place: number, constant: number): MatNode => {
      const found = this.#table.find(`${role}.${part}`);
      return found === undefined
        ? singles(
            [channels, 1],
            Array.from({ length: channels }, () => constant),
          )
        : tensor(this.#place(found, place));
    };
    this.#add({
      type: text("bnorm"),
      name: text(name),
      weights: cell([vector("weight", 1, 1), vector("bias", 2, 0), tensor(this.#place(moments, 3))]),
      epsilon: row(layer.batchNorm.epsilon),
    });
  }

  #relu(name: string): void {
    this.#add({ type: text("relu"), name: text(name), leak: row(0) });
  }

  /** Rounding up, as Caffe does: one more row and column of padding at the end, which is what the Caffe importer writes. */
  #pool(name: string, ceil: boolean): void {
    const pad = ceil ? [0, 1, 0, 1] : [0, 0, 0, 0];
    this.#add({
      type: text("pool"),
      name: text(name),
      method: text("max"),
      pool: row(2, 2),
      stride: row(2, 2),
      pad: row(...pad),
      opts: cell([]),
    });
  }

  #refuseAdaptive(size: readonly [number, number]): void {
    const [, height = size[0], width = size[1]] = this.#table.network.featureShape ?? [];
    if (height === size[0] && width === size[1]) return;
    throw new CheckpointError(
      "unsupported",
      `the network pools ${height}x${width} features to ${size.join("x")} by itself, which MatConvNet cannot`,
    );
  }

  #add(fields: { readonly [name: string]: MatNode }): void {
    this.nodes.push(struct(new Map([...Object.entries(fields), ["precious", logical(false)]])));
  }

  /** Notes where a tensor goes: in `weights` of the layer that is added next. */
  #place(spec: TensorSpec, index: number): TensorSpec {
    this.#placed.set(spec, `layers{${this.nodes.length + 1}}.weights{${index}}`);
    return spec;
  }
}

/** 1_1 of conv1_1. */
function suffix(name: string): string {
  return name.replace(/^conv/, "");
}

function normalization({ network, preprocessing }: WriterInput): MatNode {
  const fields = new Map<string, MatNode>();
  const size = preprocessing?.size ?? network?.inputSize;
  if (size !== undefined) fields.set("imageSize", row(size[0], size[1], network?.inputChannels ?? 3));
  if (preprocessing !== undefined) {
    const { channels, scale } = averages(preprocessing);
    fields.set("averageImage", singles([1, 1, channels.length], channels));
    // MatConvNet only subtracts; a network that also wants a division says by what.
    if (scale.some((value) => value !== 1)) fields.set("divideBy", singles([1, 1, scale.length], scale));
    if (preprocessing.channels === "bgr") fields.set("channelOrder", text("bgr"));
  }
  fields.set("interpolation", text("bicubic"));
  fields.set("keepAspect", logical(true));
  fields.set("border", row(0, 0));
  return struct(fields);
}

/** Mean and deviation on the scale of 0 to 255, which MatConvNet's images have. */
function averages({ mean, std, range }: Preprocessing): { readonly channels: readonly number[]; readonly scale: readonly number[] } {
  const factor = 255 / range;
  return { channels: mean.map((value) => value * factor), scale: std.map((value) => value * factor) };
}

function classes(labels: readonly string[] | undefined): readonly [string, MatNode][] {
  if (labels === undefined) return [];
  const names = labels.map((label) => text(label));
  return [
    [
      "classes",
      struct(
        new Map([
          ["name", cell(names)],
          ["description", cell(names)],
        ]),
      ),
    ],
  ];
}
