import { isObject, type Json } from "./json/json.ts";

/** One layer of a Keras configuration, models inside models (and inside TimeDistributed) unfolded. */
export interface KerasLayer {
  /** The layer's own name, behind those of the models around it: "vgg16/block1_conv1". */
  readonly path: string;
  readonly name: string;
  readonly className: string;
  readonly config: ReadonlyMap<string, Json>;
  /** Paths of the layers whose outputs it takes. */
  readonly inputs: readonly string[];
  /** Where Keras 3 keeps its variables: "layers/conv2d_1", "layers/functional/layers/dense". */
  readonly key: string;
}

/** What a configuration says of a whole model. */
export interface KerasModel {
  readonly className: string;
  readonly name: string | undefined;
  readonly layers: readonly KerasLayer[];
}

/** Models in models; a wrapper around a backbone is two. */
const maxDepth = 16;

/**
 * The layers of a configuration as Keras 1, 2 and 3 write it: {"class_name", "config": {"layers": […]}}, in Keras 1 also a
 * list in place of the inner config. undefined where the JSON is no model.
 */
export function kerasModel(json: Json | undefined): KerasModel | undefined {
  if (!isObject(json)) return undefined;
  const className = json.get("class_name");
  if (typeof className !== "string" || layerList(json) === undefined) return undefined;
  const layers: KerasLayer[] = [];
  unfold(json, { path: "", key: "layers/", feeds: [], frames: false }, layers, 0);
  return { className: plainClass(className), name: textOf(json.get("config"), "name"), layers };
}

interface Around {
  /** Names of the models around, with a final slash. */
  readonly path: string;
  /** Keras 3's path to the model's layers, with a final slash. */
  readonly key: string;
  /** What feeds the model: paths of layers outside. */
  readonly feeds: readonly string[];
  /** The model is applied to every frame: so is each of its layers. */
  readonly frames: boolean;
}

const perFrame = "TimeDistributed";

/** Adds a model's layers in order and returns the paths of those that give its output. */
function unfold(model: ReadonlyMap<string, Json>, around: Around, into: KerasLayer[], depth: number): readonly string[] {
  const entries = layerList(model) ?? [];
  const sequential = plainClass(String(model.get("class_name"))) === "Sequential";
  const counters = new Map<string, number>();
  /** For each layer's name the paths that mean its output. */
  const outputs = new Map<string, readonly string[]>();
  let last: readonly string[] = around.feeds;
  for (const entry of entries) {
    if (!isObject(entry)) continue;
    const inner = entry.get("config");
    const className = plainClass(String(entry.get("class_name")));
    const name = textOf(inner, "name") ?? textOf(entry, "name") ?? className;
    const snake = snakeCase(className);
    const count = counters.get(snake) ?? 0;
    counters.set(snake, count + 1);
    const key = around.key + (count === 0 ? snake : `${snake}_${count}`);
    const named = inputNames(entry.get("inbound_nodes")).flatMap((input) => outputs.get(input) ?? []);
    const isInput = className === "InputLayer";
    const inputs = sequential ? last : isInput ? around.feeds : named;
    const wrappedModel = className === perFrame && isObject(inner) ? inner.get("layer") : undefined;
    if (layerList(entry) !== undefined && depth < maxDepth) {
      const within = { path: `${around.path}${name}/`, key: `${key}/layers/`, feeds: inputs, frames: around.frames };
      last = unfold(entry, within, into, depth + 1);
    } else if (isObject(wrappedModel) && layerList(wrappedModel) !== undefined && depth < maxDepth) {
      const within = { path: `${around.path}${name}/`, key: `${key}/layer/layers/`, feeds: inputs, frames: true };
      last = unfold(wrappedModel, within, into, depth + 1);
    } else if (around.frames && isInput) {
      // It says the shape of one frame; what comes in has the frames in front.
      last = inputs;
    } else {
      const path = around.path + name;
      const own = isObject(inner) ? inner : new Map<string, Json>();
      const config = around.frames && className !== perFrame ? ofFrames(className, own) : own;
      into.push({ path, name, className: around.frames ? perFrame : className, config, inputs: [...new Set(inputs)], key });
      last = [path];
    }
    outputs.set(name, last);
  }
  const config = model.get("config");
  const final = isObject(config) ? inputNames(config.get("output_layers")).flatMap((name) => outputs.get(name) ?? []) : [];
  return final.length > 0 ? final : last;
}

/** A layer of a model within TimeDistributed, as if it were wrapped by itself. */
function ofFrames(className: string, config: ReadonlyMap<string, Json>): ReadonlyMap<string, Json> {
  return new Map([
    [
      "layer",
      new Map<string, Json>([
        ["class_name", className],
        ["config", config],
      ]),
    ],
  ]);
}

/** The layers of a model, or undefined where the object is an ordinary layer. */
function layerList(object: ReadonlyMap<string, Json>): readonly Json[] | undefined {
  const config = object.get("config");
  const list = isObject(config) ? config.get("layers") : object.get("class_name") === "Sequential" ? config : undefined;
  return Array.isArray(list) ? list : undefined;
}

/**
 * Names of layers in inbound nodes or output layers: lists that start [name, node index, tensor index]. Keras 3 keeps them
 * deep inside as keras_history.
 */
function inputNames(nodes: Json | undefined): readonly string[] {
  const names: string[] = [];
  const visit = (value: Json, depth: number): void => {
    if (Array.isArray(value)) {
      const [name, node, tensor] = value;
      if (typeof name === "string" && typeof node === "number" && typeof tensor === "number") names.push(name);
      else if (depth < maxDepth) for (const item of value) visit(item, depth + 1);
    } else if (isObject(value) && depth < maxDepth) {
      for (const item of value.values()) visit(item, depth + 1);
    }
  };
  if (nodes !== undefined) visit(nodes, 0);
  return names;
}

/** The layer that a wrapper (TimeDistributed, Bidirectional) wraps. */
export function wrapped(layer: KerasLayer): KerasLayer | undefined {
  const inner = layer.config.get("layer");
  if (!isObject(inner)) return undefined;
  const config = inner.get("config");
  if (!isObject(config)) return undefined;
  const name = textOf(config, "name") ?? layer.name;
  return { ...layer, name, className: plainClass(String(inner.get("class_name"))), config };
}

/** "conv_lstm2d_1" and "ConvLSTM2D" as "convlstm2d". */
function plainGroup(className: string): string {
  return className.replace(/_\d+$/, "").replaceAll("_", "").toLowerCase();
}

/**
 * Names of the variables of a group without a configuration: by the first of `classes` that is one (the group's own name, the layer's name), and
 * by their shapes. Where those leave two readings, the place has no name.
 */
export function groupNames(classes: readonly string[], shapes: readonly (readonly number[])[]): readonly (string | undefined)[] {
  const plain = classes.map(plainGroup);
  const optional = ["gamma", "beta"];
  if (plain.some((name) => name.startsWith("batchnormalization"))) {
    // Scale and centre may be left out, the statistics never are.
    const own = shapes.length - 2;
    return [...(own === 2 ? optional : Array.from({ length: Math.max(0, own) }, () => undefined)), "moving_mean", "moving_variance"];
  }
  if (plain.some((name) => /^(layer|group)normalization/.test(name))) return shapes.length === 2 ? optional : [];
  const known = plain.map((name) => variables.get(name)).find((names) => names !== undefined);
  if (known !== undefined) return known;
  const [kernel = [], bias = []] = shapes;
  return kernel.length >= 2 && shapes.length <= 2 && bias.length <= 1 ? ["kernel", "bias"] : [];
}

const recurrent = ["kernel", "recurrent_kernel", "bias"];
/** Trainable variables first, in the order that `weights` has; by class in small letters. */
const variables: ReadonlyMap<string, readonly string[]> = new Map([
  ["lstm", recurrent],
  ["gru", recurrent],
  ["simplernn", recurrent],
  ["convlstm2d", recurrent],
  ["lstmcell", recurrent],
  ["grucell", recurrent],
  ["simplernncell", recurrent],
  ["depthwiseconv2d", ["depthwise_kernel", "bias"]],
  ["separableconv2d", ["depthwise_kernel", "pointwise_kernel", "bias"]],
  ["embedding", ["embeddings"]],
  ["prelu", ["alpha"]],
]);

/**
 * Names of a layer's variables in their order, by its class or the group that Keras 3 names after it ("conv_lstm2d_1").
 * Layers of unknown classes with two have a kernel and a bias.
 */
export function variableNames(className: string, config?: ReadonlyMap<string, Json>): readonly string[] {
  const plain = plainGroup(className);
  const own = [config?.get("scale") !== false ? "gamma" : "", config?.get("center") !== false ? "beta" : ""].filter((name) => name !== "");
  if (plain.startsWith("batchnormalization")) return [...own, "moving_mean", "moving_variance"];
  if (/^(layer|group)normalization/.test(plain)) return own;
  return variables.get(plain) ?? ["kernel", "bias"];
}

/** Registered classes are "package>Name". */
function plainClass(className: string): string {
  return className.slice(className.lastIndexOf(">") + 1);
}

/** As Keras 3 names groups: Conv2D is conv2d, MaxPooling2D is max_pooling2d, ConvLSTM2D is conv_lstm2d. */
function snakeCase(className: string): string {
  const words = className.replace(/\W+/g, "").replace(/(.)([A-Z][a-z]+)/g, "$1_$2");
  return words.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}

function textOf(object: Json | undefined, key: string): string | undefined {
  const value = isObject(object) ? object.get(key) : undefined;
  return typeof value === "string" ? value : undefined;
}
