import type { ContainerKind, Reader } from "./encodings/probe.ts";
import type { Conventions } from "./tensor/checkpoint.ts";
import type { DType } from "./tensor/dtype.ts";
import {
  caffeTypes,
  kerasTypes,
  matconvnetTypes,
  npzTypes,
  onnxTypes,
  paddleTypes,
  safetensorsTypes,
  tfjsTypes,
  tfTypes,
  torchTypes,
} from "./writers/dtypes.ts";
import type { Writer } from "./writers/layout.ts";

/** A checkpoint format: one row here, one file in readers/ and, where it is written, one in writers/. */
export interface Format {
  readonly id: string;
  readonly title: string;
  /** The shells it can lie in: only a row with a matching one is imported and asked. */
  readonly containers: readonly ContainerKind[];
  /** network: the file holds the network itself, so that a writer needs a recognised one and every slot filled. */
  readonly carries: "tensors" | "network";
  /** What its framework takes for granted; formats of plain arrays name the commonest and say so. */
  readonly conventions: Conventions;
  /** Where it is read and not written: the format that holds the same names and that its framework reads too. */
  readonly writtenAs?: string;
  /** The writer puts what is known of the network (preprocessing, class names) into the file, where the reader finds it. */
  readonly describes?: true;
  /** A file of the folder, which the writer leaves alone, names its latest checkpoint: the framework's call that reads it, and the one that sets it. */
  readonly latest?: { readonly finds: string; readonly sets: string };
  /** A command that reads or writes it, for `vggtool formats`. */
  readonly example: string;
  /** dtypes the writer can store; absent where nothing is written. */
  readonly dtypes?: ReadonlySet<DType>;
  read?(): Promise<Reader>;
  write?(): Promise<Writer>;
}

/** PyTorch, Caffe, ONNX, MXNet … */
const channelsFirst: Conventions = { kernel: "o i h w", matrix: "o i", flatten: "i h w", epsilon: 1e-5 };
/** TensorFlow and Keras, whose batch norm adds 0.001. */
const channelsLast: Conventions = { kernel: "h w i o", matrix: "i o", flatten: "h w i", epsilon: 1e-3 };
const matlab: Conventions = { ...channelsLast, epsilon: 1e-5, dropsOnes: true };

/** The one table of formats, in the order of `vggtool formats`. Imports are lazy: only what may fit a file is loaded. */
export const formats: readonly Format[] = [
  {
    id: "safetensors",
    title: "safetensors, single or sharded",
    containers: ["safetensors", "json", "folder", "binary"],
    carries: "tensors",
    conventions: { ...channelsFirst, plain: true },
    describes: true,
    example: "vggtool convert vgg_face.mat -o vgg_face.safetensors",
    dtypes: safetensorsTypes,
    read: async () => (await import("./readers/safetensors/reader.ts")).reader,
    write: async () => (await import("./writers/safetensors/writer.ts")).writer,
  },
  {
    id: "npz",
    title: "NumPy .npz archive",
    containers: ["zip"],
    carries: "tensors",
    conventions: { ...channelsFirst, plain: true },
    example: "vggtool inspect weights.npz",
    dtypes: npzTypes,
    read: async () => (await import("./readers/numpy/npz.ts")).reader,
    write: async () => (await import("./writers/numpy/npz.ts")).writer,
  },
  {
    id: "npy",
    title: "NumPy .npy array, or a pickled dict of arrays",
    containers: ["npy"],
    carries: "tensors",
    conventions: { ...channelsLast, epsilon: 1e-5, plain: true },
    writtenAs: "npz",
    example: "vggtool inspect vgg16.npy",
    read: async () => (await import("./readers/numpy/npy.ts")).reader,
  },
  {
    id: "tf-v2",
    title: "TensorFlow checkpoint V2 (.index, .data-…)",
    containers: ["sstable", "binary", "text", "folder"],
    carries: "tensors",
    conventions: channelsLast,
    example: "vggtool convert vgg_face.mat --to tfslim -o vgg_16.ckpt",
    latest: { finds: "tf.train.latest_checkpoint", sets: "tf.compat.v1.train.update_checkpoint_state" },
    dtypes: tfTypes,
    read: async () => (await import("./readers/tensorflow/tf-v2.ts")).reader,
    write: async () => (await import("./writers/tensorflow/tf-v2.ts")).writer,
  },
  {
    id: "matconvnet",
    title: "MatConvNet network in a MAT-file (simplenn, dagnn)",
    containers: ["mat", "hdf5", "binary"],
    carries: "network",
    conventions: matlab,
    describes: true,
    example: "vggtool convert vgg_face.mat --to keras",
    dtypes: matconvnetTypes,
    read: async () => (await import("./readers/mat/reader.ts")).reader,
    write: async () => (await import("./writers/matconvnet/writer.ts")).writer,
  },
  {
    id: "mat",
    title: "MATLAB MAT-file v4, v5, v7, v7.3",
    containers: ["mat", "hdf5", "binary"],
    carries: "tensors",
    conventions: { ...matlab, plain: true },
    example: "vggtool inspect weights.mat",
    read: async () => (await import("./readers/mat/reader.ts")).reader,
  },
  {
    id: "paddle",
    title: "PaddlePaddle .pdparams, .pdopt, .pdiparams and fluid folders",
    containers: ["pickle", "binary", "json", "text", "folder"],
    carries: "tensors",
    conventions: {
      ...channelsFirst,
      matrix: "i o",
      shares: true,
      operations: true,
      registers: { container: "paddle.nn.LayerList", call: "self.add_sublayer(name, layer)" },
    },
    example: "vggtool inspect model.pdparams",
    dtypes: paddleTypes,
    read: async () => (await import("./readers/paddle/reader.ts")).reader,
    write: async () => (await import("./writers/paddle/writer.ts")).writer,
  },
  {
    id: "pickle",
    title: "pickled NumPy arrays",
    containers: ["pickle", "binary", "text"],
    carries: "tensors",
    conventions: { ...channelsFirst, plain: true },
    example: "vggtool inspect weights.pkl",
    read: async () => (await import("./readers/paddle/reader.ts")).reader,
  },
  {
    id: "tf-v1",
    title: "TensorFlow checkpoint V1 (one table or shards of 2016)",
    containers: ["sstable", "binary", "text", "folder"],
    carries: "tensors",
    conventions: channelsLast,
    writtenAs: "tf-v2",
    example: "vggtool inspect vgg_16.ckpt",
    read: async () => (await import("./readers/tensorflow/tf-v1.ts")).reader,
  },
  {
    id: "savedmodel",
    title: "TensorFlow SavedModel folder",
    containers: ["folder", "binary", "text"],
    carries: "tensors",
    conventions: channelsLast,
    writtenAs: "tf-v2",
    example: "vggtool inspect saved_model/",
    read: async () => (await import("./readers/tensorflow/savedmodel.ts")).reader,
  },
  {
    id: "graphdef",
    title: "TensorFlow frozen graph (.pb)",
    containers: ["binary"],
    carries: "network",
    conventions: { ...channelsLast, operations: true },
    example: "vggtool inspect vgg_16_frozen.pb",
    read: async () => (await import("./readers/tensorflow/graphdef.ts")).reader,
  },
  {
    id: "keras-h5",
    title: "Keras HDF5 (.h5): weights or whole model of Keras 1, 2 and 3",
    containers: ["hdf5"],
    carries: "network",
    conventions: { ...channelsLast, rotates: true },
    describes: true,
    example: "vggtool inspect vgg16_weights.h5",
    dtypes: npzTypes,
    read: async () => (await import("./readers/keras/keras-h5.ts")).reader,
    write: async () => (await import("./writers/keras/keras-h5.ts")).writer,
  },
  {
    id: "keras-v3",
    title: "Keras 3: .keras, .weights.h5, sharded weights, folders",
    containers: ["zip", "hdf5", "json", "folder"],
    carries: "network",
    conventions: channelsLast,
    describes: true,
    example: "vggtool inspect model.keras",
    dtypes: kerasTypes,
    read: async () => (await import("./readers/keras/keras-v3.ts")).reader,
    write: async () => (await import("./writers/keras/keras-v3.ts")).writer,
  },
  {
    id: "tfjs",
    title: "TensorFlow.js model (model.json and shards)",
    containers: ["json", "folder", "binary"],
    carries: "network",
    conventions: channelsLast,
    describes: true,
    example: "vggtool inspect model.json",
    dtypes: tfjsTypes,
    read: async () => (await import("./readers/tfjs/reader.ts")).reader,
    write: async () => (await import("./writers/tfjs/writer.ts")).writer,
  },
  {
    id: "hdf5",
    title: "any other HDF5 file",
    containers: ["hdf5"],
    carries: "tensors",
    conventions: { ...channelsFirst, plain: true, rotates: true },
    example: "vggtool inspect weights.hdf5",
    read: async () => (await import("./readers/hdf5/reader.ts")).reader,
  },
  {
    id: "torch",
    title: "PyTorch .pth, .pt, .bin (zip, legacy, tar), TorchScript, torch.export",
    containers: ["zip", "pickle", "tar", "text", "binary"],
    carries: "tensors",
    conventions: {
      ...channelsFirst,
      shares: true,
      registers: { container: "torch.nn.ModuleList", call: "self.add_module(name, layer)" },
    },
    example: "vggtool inspect vgg16-397923af.pth",
    dtypes: torchTypes,
    read: async () => (await import("./readers/torch/reader.ts")).reader,
    write: async () => (await import("./writers/torch/writer.ts")).writer,
  },
  {
    id: "caffe",
    title: "Caffe (.caffemodel, with the .prototxt beside it)",
    containers: ["binary", "text"],
    carries: "network",
    conventions: { ...channelsFirst, ceilPools: true },
    example: "vggtool inspect VGG_ILSVRC_16_layers.caffemodel",
    dtypes: caffeTypes,
    read: async () => (await import("./readers/caffe/reader.ts")).reader,
    write: async () => (await import("./writers/caffe/writer.ts")).writer,
  },
  {
    id: "torch7",
    title: "Torch7 .t7 (Lua), binary and ASCII",
    containers: ["binary", "text"],
    carries: "tensors",
    conventions: { ...channelsFirst, flatKernels: true, shares: true },
    example: "vggtool inspect VGG_FACE.t7",
    read: async () => (await import("./readers/torch7/reader.ts")).reader,
  },
  {
    id: "onnx",
    title: "ONNX model, with external data",
    containers: ["binary"],
    carries: "network",
    conventions: { ...channelsFirst, operations: true },
    describes: true,
    example: "vggtool inspect vgg16.onnx",
    dtypes: onnxTypes,
    read: async () => (await import("./readers/onnx/reader.ts")).reader,
    write: async () => (await import("./writers/onnx/writer.ts")).writer,
  },
  {
    id: "mxnet",
    title: "MXNet .params, with the symbol beside it",
    containers: ["mxnet", "json"],
    carries: "tensors",
    conventions: channelsFirst,
    example: "vggtool inspect vgg16-0000.params",
    read: async () => (await import("./readers/mxnet/reader.ts")).reader,
  },
  {
    id: "darknet",
    title: "Darknet .weights, with the .cfg beside it",
    containers: ["binary", "text"],
    carries: "tensors",
    conventions: { ...channelsFirst, variance: "darknet" },
    example: "vggtool inspect vgg-16.weights",
    read: async () => (await import("./readers/darknet/reader.ts")).reader,
  },
];

/** Conventions of a format. */
export function conventionsOf(id: string): Conventions {
  const format = findFormat(id);
  if (format === undefined) throw new TypeError(`${id} is no row of the table of formats`);
  return format.conventions;
}

export function findFormat(id: string): Format | undefined {
  return formats.find((format) => format.id === id);
}
