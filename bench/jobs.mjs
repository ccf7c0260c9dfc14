import { join } from "node:path";

/**
 * One row a figure of the promise: what we run on the full-size files, what the peer runs, and the limits. `ratio` is the largest wall time
 * in units of the peer's, `seconds` the largest wall time where there is no peer; `memory` the largest peak in MB. `out`: what is removed before each run, so that it
 * makes a new output. Peers: `empty` (a Node process that does nothing), `sha256sum`, `ours` (another command of vggtool), `script` (a script of this folder), or a job
 * of the peers' script; with the environment that it needs.
 */
export function jobs(folder, out) {
  const file = (name) => join(folder, name);
  const convert = (title, name, to, peer, environment, ratio) => {
    // Networks that state where they pool have their size from that; the peers' MAT-files state none.
    const size = name.endsWith(".mat") ? [] : ["--input-size", "224x224x3"];
    const path = join(out, to === "tfslim" ? "ours.ckpt" : "ours.safetensors");
    const row = (kind, extra) => ({
      title: `convert ${title} → ${to}${kind}`,
      args: ["convert", file(name), "--to", to, ...extra, ...size, "-o", path],
      out: to === "tfslim" ? [`${path}.index`, `${path}.data-00000-of-00001`, `${path}.vggtool.json`] : [path],
      peer: { job: peer, environment },
      ratio,
      memory: 160,
    });
    // The peers write what they computed and look no further: the second row does the same. Nobody waits for the disk.
    return [row("", []), row(", --no-check", ["--no-check"])];
  };
  const inspect = (title, name) => ({
    title: `inspect ${title}`,
    args: ["inspect", file(name)],
    peer: { empty: true },
    ratio: 1.7,
    memory: 70,
  });
  const stats = ["inspect", file("vgg16.pth"), "--stats"];
  const many = (title, name) => ({
    title: `inspect ${title} of 100,000`,
    args: ["inspect", file(name)],
    seconds: 0.8,
    memory: 105,
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
      ratio: 0.6,
      memory: 120,
    },
    ...convert("torch", "vgg16.pth", "safetensors", "torch_to_tf_axes", "torch", 0.15),
    ...convert("torch", "vgg16.pth", "tfslim", "torch_to_tf_axes", "torch", 0.18),
    ...convert("TF V1", "vgg_16.ckpt", "safetensors", "tf_to_torch", "tensorflow", 0.15),
    ...convert("paddle", "vgg16.pdparams", "safetensors", "paddle_to_torch", "paddle", 0.18),
    ...convert("paddle", "vgg16.pdparams", "tfslim", "paddle_to_torch", "paddle", 0.2),
    ...convert("TF V2", "vgg_16_v2.ckpt", "safetensors", "tf_v2_to_torch", "tensorflow", 0.18),
    ...convert("MAT v5", "vgg_face.mat", "safetensors", "mat_to_safetensors", "tensorflow", 0.4),
    ...convert("paddle protocol 2 (text)", "vgg16_p2.pdparams", "safetensors", "paddle_p2_to_torch", "paddle", 0.5),
    ...convert("MAT v7 (zlib)", "vgg_face_v7.mat", "safetensors", "mat_v7_to_safetensors", "tensorflow", 0.6),
    {
      title: "inspect --stats",
      args: stats,
      peer: { job: "stats_torch", environment: "torch" },
      ratio: 0.12,
      memory: 150,
    },
    {
      title: "inspect --hash",
      args: ["inspect", file("vgg16.pth"), "--hash"],
      peer: { sha256sum: file("vgg16.pth") },
      ratio: 0.2,
      memory: 120,
    },
    {
      title: "report",
      args: ["report", file("vgg16.pth"), "-o", join(out, "ours.html")],
      out: [join(out, "ours.html")],
      peer: { ours: stats },
      ratio: 1.1,
      memory: 160,
    },
    {
      title: "catalogue row",
      args: ["catalogue", file("vgg16.pth"), "-o", join(out, "ours.catalogue")],
      out: [join(out, "ours.catalogue")],
      peer: { ours: ["inspect", file("vgg16.pth")] },
      ratio: 1.2,
      memory: 160,
    },
    {
      title: "diff of two layouts",
      args: ["diff", file("vgg16.pth"), file("vgg16_hwio.safetensors")],
      peer: { script: "diff_numpy.py", args: [file("vgg16.pth"), file("vgg16_hwio.safetensors")], environment: "torch" },
      ratio: 0.25,
      memory: 160,
    },
    many("safetensors", "many.safetensors"),
    {
      title: "copy safetensors of 100,000",
      args: ["convert", file("many.safetensors"), "--naming", "keep", "-o", join(out, "ours.safetensors")],
      out: [join(out, "ours.safetensors")],
      seconds: 3,
      memory: 120,
    },
    many("TF V2", "many.ckpt"),
    many("npz", "many.npz"),
    many("torch", "many.pth"),
    many("paddle", "many.pdparams"),
  ];
}
