import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fixtures } from "../support/paths.ts";

/** One checkpoint that is damaged file by file. */
export interface Subject {
  /** The reader that is meant: also asked with `--from` where the damaged file looks like something else. */
  readonly format: string;
  /** Below fixtures/. */
  readonly folder: string;
  /** The file that is opened, relative to the folder. */
  readonly entry: string;
  /** Files that are damaged, one at a time; the entry alone where nothing is said. */
  readonly damaged?: readonly string[];
  /**
   * A checksum covers every value: a tensor that keeps its name, dtype and shape has to keep its values or fail. "structure": one covers
   * names, dtypes and shapes too, so that whatever opens at all is the same.
   */
  readonly checked?: boolean | "structure";
}

const subject = (
  format: string,
  path: string,
  more: { readonly damaged?: readonly string[]; readonly checked?: boolean | "structure"; readonly depth?: number } = {},
): Subject => {
  const parts = path.split("/");
  const { depth = 1, ...rest } = more;
  return { format, folder: parts.slice(0, -depth).join("/"), entry: parts.slice(-depth).join("/"), ...rest };
};

const checked = { checked: true };

/** Every reader, and every kind of file that it distinguishes. */
export const subjects: readonly Subject[] = [
  subject("safetensors", "safetensors/dtypes/dtypes.safetensors"),
  subject("safetensors", "safetensors/sharded/model.safetensors.index.json", {
    damaged: ["model.safetensors.index.json", "model-00001-of-00002.safetensors"],
  }),
  subject("npz", "npz/stored/stored.npz", checked),
  subject("npz", "npz/deflated/deflated.npz", checked),
  subject("npz", "npz/longdouble/longdouble.npz", checked),
  subject("npy", "npy/fortran/fortran.npy"),
  subject("npy", "npy/scalar/scalar.npy"),
  subject("npy", "npy/big-endian/big-endian.npy"),
  subject("npy", "npy/dict/dict.npy"),
  subject("tf-v2", "tf-v2/names/names.index", { ...checked, damaged: ["names.index", "names.data-00000-of-00001"] }),
  subject("tf-v2", "tf-v2/dtypes/dtypes.index", { ...checked, damaged: ["dtypes.index", "dtypes.data-00000-of-00001"] }),
  subject("tf-v2", "tf-v2/partitioned-sharded/model.ckpt-0.index", checked),
  subject("tf-v2", "tf-v2/snappy/variables.index", { ...checked, damaged: ["variables.index", "variables.data-00000-of-00001"] }),
  subject("tf-v1", "fuzz/tf-v1/tiny.ckpt", checked),
  subject("tf-v1", "tf-v1/dtypes/dtypes.ckpt", checked),
  subject("tf-v1", "tf-v1/partitioned-sharded/vgg_16.ckpt-00001-of-00002", checked),
  subject("matconvnet", "fuzz/matconvnet/plain.mat"),
  subject("matconvnet", "fuzz/matconvnet/compressed.mat", checked),
  subject("matconvnet", "matconvnet/dagnn/net-deployed.mat"),
  subject("mat", "mat/narrow/narrow-v5.mat"),
  subject("mat", "mat/narrow/narrow-v5-compressed.mat", checked),
  subject("mat", "mat/scipy/scipy-v5.mat"),
  subject("mat", "mat/scipy/scipy-v5-compressed.mat", checked),
  subject("mat", "mat/octave/octave-v6.mat"),
  subject("mat", "mat/octave/octave-v7.mat", checked),
  subject("mat", "mat/big-endian/big-endian-v5.mat"),
  subject("mat", "mat/object/octave-v6.mat"),
  subject("mat", "mat/v4/scipy-v4.mat"),
  subject("mat", "mat/v4/big-endian-v4.mat"),
  subject("mat", "mat/v4/octave-v4.mat"),
  subject("mat", "mat/emoji/v73.mat"),
  subject("mat", "mat/v73/v73.mat"),
  subject("paddle", "paddle/dtypes/model.pdparams"),
  subject("paddle", "paddle/dtypes-p2/model.pdparams"),
  subject("paddle", "fuzz/paddle/two.pdparams"),
  subject("paddle", "paddle/bare/model.pdtensor"),
  subject("paddle", "paddle/bare-list/model.pdtensor"),
  subject("paddle", "paddle/bare-static/model.pdtensor"),
  subject("paddle", "paddle/bare-binary/model.pdtensor"),
  subject("paddle", "fuzz/paddle/pir.json", { damaged: ["pir.json", "pir.pdiparams"] }),
  subject("paddle", "fuzz/paddle-old/model.pdmodel", { damaged: ["model.pdmodel", "model.pdiparams", "model.pdiparams.info"] }),
  subject("pickle", "torch/numpy/numpy.pkl"),
  subject("pickle", "torch/numpy/numpy-protocol2.pkl"),
  subject("savedmodel", "fuzz/savedmodel/saved_model.pb", {
    damaged: ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"],
  }),
  subject("graphdef", "fuzz/graphdef/frozen.pb"),
  subject("keras-h5", "fuzz/keras-h5/model.h5"),
  subject("keras-h5", "keras-h5/weights/vgg.h5"),
  subject("keras-v3", "keras-v3/keras/deflated.keras", checked),
  subject("keras-v3", "keras-v3/keras/model.keras", checked),
  subject("keras-v3", "keras-v3/npz/model.keras", checked),
  subject("keras-v3", "cases/frames.keras", checked),
  subject("keras-v3", "keras-v3/bfloat16/bf16.weights.h5"),
  subject("keras-v3", "keras-v3/sharded/m.weights.json", { damaged: ["m.weights.json", "m_00000.weights.h5"] }),
  subject("tfjs", "tfjs/layers/model.json", { damaged: ["model.json", "group1-shard1of3.bin"] }),
  subject("hdf5", "fuzz/hdf5/earliest.h5"),
  subject("hdf5", "fuzz/hdf5/latest.h5"),
  subject("hdf5", "hdf5/latest/latest.h5"),
  subject("hdf5", "fuzz/hdf5/checked.h5", { checked: "structure" }),
  subject("hdf5", "fuzz/hdf5/paged.h5", { checked: "structure" }),
  subject("hdf5", "hdf5/modern/modern.h5", { checked: "structure" }),
  subject("hdf5", "hdf5/sizes/sizes.h5"),
  subject("torch", "fuzz/torch/zip.pt", checked),
  subject("torch", "torch/dtypes/tensors.pt", checked),
  subject("torch", "fuzz/torch/legacy.pt"),
  subject("torch", "torch/tar/model.pth"),
  subject("torch", "fuzz/torch/script.pt", checked),
  subject("torch", "fuzz/torch/exported.pt2", checked),
  subject("torch", "fuzz/torch/module.pt", checked),
  subject("torch", "fuzz/torch/unusual.pt", checked),
  subject("torch", "torch/numpy/numpy.pt", checked),
  subject("caffe", "fuzz/caffe/new.caffemodel"),
  subject("caffe", "fuzz/caffe/v1.caffemodel"),
  subject("caffe", "fuzz/caffe/v0.caffemodel"),
  subject("caffe", "fuzz/caffe-prototxt/tiny.caffemodel", { damaged: ["deploy.prototxt"] }),
  subject("torch7", "fuzz/torch7/binary.t7"),
  subject("torch7", "fuzz/torch7/ascii.t7"),
  subject("onnx", "fuzz/onnx/inside.onnx"),
  subject("onnx", "onnx/types/types.onnx"),
  subject("onnx", "fuzz/onnx-external/model.onnx", { damaged: ["model.onnx", "model.data"] }),
  subject("mxnet", "mxnet/types/types.params"),
  subject("mxnet", "mxnet/types/list.params"),
  subject("mxnet", "mxnet/types/sparse.params"),
  subject("mxnet", "mxnet/types/numpy.params"),
  subject("darknet", "fuzz/darknet/tiny.weights", { damaged: ["tiny.weights", "tiny.cfg"] }),
  subject("safetensors", "fuzz/wrapped/stored.zip", checked),
  subject("safetensors", "fuzz/wrapped/deflated.zip", checked),
  subject("safetensors", "fuzz/wrapped/one.tar"),
  subject("safetensors", "fuzz/wrapped/one.safetensors.gz", checked),
];

/** One file of one subject. */
export interface Row {
  readonly subject: Subject;
  readonly file: string;
}

export const rows: readonly Row[] = subjects.flatMap((each) => (each.damaged ?? [each.entry]).map((file) => ({ subject: each, file })));

export function rowName({ subject: { folder, entry }, file }: Row): string {
  return file === entry ? `${folder}/${file}` : `${folder}/${entry} (${file})`;
}

export type Files = ReadonlyMap<string, Uint8Array>;

/** All files of a subject's folder and the folders in it, by their names below it. */
export function filesOf({ folder }: Subject): Files {
  const root = join(fixtures, folder);
  const files = new Map<string, Uint8Array>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "expected.json") continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(root.length + 1).replaceAll("\\", "/"), new Uint8Array(readFileSync(path)));
  }
  return files;
}
