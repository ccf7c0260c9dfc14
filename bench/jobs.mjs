import { join } from "node:path";

/**
 * One row a figure of the promise: what we run on the full-size files, what the peer runs, and the limits. `ratio` is the largest wall time
 * in units of the peer's; `memory` the largest peak in MB. Peers: `empty` (a Node process that does nothing), `sha256sum`, or a job of the
 * peers' script with the environment that it needs.
 */
export function jobs(folder, out) {
  const file = (name) => join(folder, name);
  const convert = (title, name, to, peer, environment, ratio) => {
    const row = (kind, extra) => ({
      title: `convert ${title} → ${to}${kind}`,
      args: [
        "convert",
        file(name),
        "--to",
        to,
        "--force",
        ...extra,
        "--input-size",
        "224x224x3",
        "-o",
        join(out, to === "tfslim" ? "ours.ckpt" : "ours.safetensors"),
      ],
      peer: { job: peer, environment },
      ratio,
      memory: 160,
    });
    // The peers write what they computed and look no further: the second row does the same. Both of ours are on disk when they end.
    return [row("", []), row(", --no-check", ["--no-check"])];
  };
  const inspect = (title, name) => ({
    title: `inspect ${title}`,
    args: ["inspect", file(name)],
    peer: { empty: true },
    ratio: 1.7,
    memory: 70,
  });
  return [
    inspect("torch", "vgg16.pth"),
    inspect("paddle", "vgg16.pdparams"),
    inspect("paddle protocol 2", "vgg16_p2.pdparams"),
    inspect("TF V1", "vgg_16.ckpt"),
    inspect("TF V2", "vgg_16_v2.ckpt"),
    inspect("MAT v5", "vgg_face.mat"),
    inspect("Keras HDF5", "vgg16.h5"),
    {
      title: "inspect MAT v7",
      args: ["inspect", file("vgg_face_v7.mat")],
      peer: { job: "list_mat_v7", environment: "tensorflow" },
      ratio: 0.7,
      memory: 120,
    },
    ...convert("torch", "vgg16.pth", "safetensors", "torch_to_tf_axes", "torch", 0.2),
    ...convert("torch", "vgg16.pth", "tfslim", "torch_to_tf_axes", "torch", 0.2),
    ...convert("TF V1", "vgg_16.ckpt", "safetensors", "tf_to_torch", "tensorflow", 0.2),
    ...convert("paddle", "vgg16.pdparams", "safetensors", "paddle_to_torch", "paddle", 0.3),
    ...convert("paddle", "vgg16.pdparams", "tfslim", "paddle_to_torch", "paddle", 0.3),
    ...convert("TF V2", "vgg_16_v2.ckpt", "safetensors", "tf_v2_to_torch", "tensorflow", 0.3),
    ...convert("MAT v5", "vgg_face.mat", "safetensors", "mat_to_safetensors", "tensorflow", 0.8),
    ...convert("paddle protocol 2 (text)", "vgg16_p2.pdparams", "safetensors", "paddle_p2_to_torch", "paddle", 0.5),
    ...convert("MAT v7 (zlib)", "vgg_face_v7.mat", "safetensors", "mat_v7_to_safetensors", "tensorflow", 0.65),
    {
      title: "inspect --stats",
      args: ["inspect", file("vgg16.pth"), "--stats"],
      peer: { job: "stats_torch", environment: "torch" },
      ratio: 0.2,
      memory: 150,
    },
    {
      title: "inspect --hash",
      args: ["inspect", file("vgg16.pth"), "--hash"],
      peer: { sha256sum: file("vgg16.pth") },
      ratio: 1.3,
      memory: 120,
    },
  ];
}
