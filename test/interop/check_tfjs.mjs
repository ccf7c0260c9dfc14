/**
 * Loads a layers model with loadLayersModel of TensorFlow.js, predicts, and compares its logits, and its weights with another model's.
 *
 *     node --import tsx check_tfjs.mjs FOLDER INPUT.npy LOGITS.npy [REFERENCE_FOLDER]
 *
 * TensorFlow.js is below VGGTOOL_ENGINES, with its backend of plain JavaScript. A softmax at the end is taken off.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.VGGTOOL_ENGINES ?? "", "package.json"));
const tf = require("@tensorflow/tfjs");
const tolerance = 1e-4;

const [folder, inputFile, logitsFile, reference] = process.argv.slice(2);
const model = await load(folder);
const input = npy(inputFile);
const nhwc = tf.transpose(tf.tensor(input.values, input.shape), [0, 2, 3, 1]);
const expected = npy(logitsFile);
const logits = model.predict(nhwc).dataSync();
const largest = Math.max(...expected.values.map(Math.abs));
const error = Math.max(...expected.values.map((value, k) => Math.abs(value - logits[k]))) / largest;
if (!(error <= tolerance)) throw new Error(`logits differ by ${error} of the largest`);
let said = `TensorFlow.js ${tf.version.tfjs}: logits within ${error.toExponential(1)}`;
if (reference !== undefined) {
  const [ours, theirs] = [weights(model), weights(await load(reference))];
  if ([...ours.keys()].join() !== [...theirs.keys()].join()) throw new Error("names of weights differ");
  for (const [name, bytes] of theirs) if (!bytes.equals(ours.get(name))) throw new Error(`${name} differs`);
  said += `, ${theirs.size} weights equal, bit for bit`;
}
console.log(said);

/** As tf.io.http does in a browser: topology and manifest, then the weights' files one behind the other. */
async function load(path) {
  const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(path, "model.json"), "utf8"));
  const last = modelTopology.model_config.config.layers.at(-1).config;
  if (last.activation !== undefined) last.activation = "linear";
  const files = weightsManifest.flatMap(({ paths }) => paths);
  const data = Buffer.concat(files.map((file) => readFileSync(join(path, file))));
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
}

function weights(of) {
  return new Map(of.weights.map((weight) => [weight.originalName, Buffer.from(weight.read().dataSync().buffer)]));
}

/** Version 1 files of little-endian float32, as the golden inputs are. */
function npy(file) {
  const bytes = readFileSync(file);
  const header = bytes.toString("latin1", 10, 10 + bytes.readUInt16LE(8));
  const shape = /'shape': \(([\d, ]*)\)/
    .exec(header)[1]
    .split(",")
    .filter((text) => text.trim() !== "")
    .map(Number);
  const size = /'descr': '<f([48])'/.exec(header)[1];
  const data = bytes.subarray(10 + bytes.readUInt16LE(8));
  const copy = data.buffer.slice(data.byteOffset, data.byteOffset + data.length);
  const values = [...(size === "8" ? new Float64Array(copy) : new Float32Array(copy))];
  if (!header.includes("'fortran_order': True")) return { shape, values };
  // Column-major: read as the transposed array, and turned round.
  const turned = tf.transpose(tf.tensor(values, shape.toReversed()));
  return { shape, values: [...turned.dataSync()] };
}
