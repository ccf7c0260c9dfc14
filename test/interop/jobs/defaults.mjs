import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environmentEngines } from "../engines.mjs";

/**
 * Each target by its default command line (OUT's ending, and the size of the image where the source does not say it), from a dense source and
 * from one of convolutions, and from Caffe's and MatConvNet's files of each kind, loaded into the framework's own network.
 */
const pairs = [
  ["vgg11-64x96", "torchvision", "tfslim-v2"],
  ["vgg13-64x96", "torchvision", "matconvnet"],
  ["vgg16-64x96", "torchvision", "tfslim-v2"],
  ["vgg16-224", "torchvision", "tfslim-v2"],
  ["vgg16bn-64x96", "torchvision", "matconvnet-bnorm"],
  ["vgg19-64x96", "torchvision", "matconvnet"],
].flatMap(([arch, dense, conv]) => [
  { arch, form: "dense", from: dense, size: arch.endsWith("-64x96") ? ["--input-size", "64x96x3"] : [] },
  { arch, form: "conv", from: conv, size: [] },
]);

/** Files whose default in Keras is Caffe's names and convolutions. Sources of `pairs` are not repeated. */
const caffeans = [
  ["vgg11-64x96", "matconvnet"],
  ["vgg16-64x96", "caffe", "caffe-v0", "caffe-v1", "caffe-unpacked", "matconvnet", "matconvnet-dagnn", "matconvnet-v73"],
  ["vgg16-224", "caffe-v1", "matconvnet"],
  ["vgg16bn-64x96", "caffe", "matconvnet-dagnn"],
].flatMap(([arch, ...froms]) => froms.map((from) => ({ arch, form: from.startsWith("caffe") ? "dense" : "conv", from, size: [] })));

const sources = [...pairs, ...caffeans];
const caffe = /^(matconvnet|caffe)/;

/** Keras' own networks: whole models, and weights into a network of Keras Applications' names, or of Caffe's where the source has them. */
function keras({ arch, from, golden }) {
  const own = { widths: join(golden, arch, "canonical.npz"), names: caffe.test(from) ? "caffe" : "applications" };
  const norm = arch.includes("bn") ? { epsilon: 1e-3 } : {};
  return [
    ["vgg.h5", { kind: "model" }],
    ["vgg.keras", { kind: "model" }],
    ["vgg_weights.h5", { kind: "weights", ...own, ...norm }],
    ["vgg_weights.h5", { kind: "by-name", ...own, ...norm }],
    ["vgg.weights.h5", { kind: "weights", ...own, ...norm }],
  ].map(([output, options]) => [output, "check_keras", options]);
}

/** Of each environment: OUT, the check, and its options. */
const targets = {
  torch: (source) => [["vgg.pth", "check_torch", { norm: source.arch.includes("bn") }], ["vgg.onnx", "check_onnx", {}], ...keras(source)],
  tensorflow: (source) => [
    ["vgg.ckpt", "check_tfslim", { form: "conv", norm: source.arch.includes("bn") ? "gamma" : false }],
    ["vgg.mat", "check_mat", {}],
    ["vgg.safetensors", "check_safetensors"],
    ["vgg.npz", "check_npz"],
    ...keras(source),
  ],
  paddle: ({ arch }) => [["vgg.pdparams", "check_paddle", { network: "vision", norm: arch.includes("bn") }]],
  caffe: () => [["vgg.caffemodel", "check_caffe", {}]],
  engines: () => [["vgg-tfjs", "check_tfjs"]],
  octave: () => [["vgg.mat", "check_mat.m"]],
};

export const defaultsJobs = sources.flatMap((source) =>
  Object.entries(targets).map(([environment, of]) => ({
    name: `defaults (${environment}): ${source.arch}/${source.from}, ${source.form}`,
    ...(environment === "octave" ? {} : { environment }),
    needs: ["golden", ...(environment === "octave" ? ["octave"] : [])],
    async run({ vggtool, python, program, octave, golden, out }) {
      const network = join(golden, source.arch);
      const { open } = JSON.parse(readFileSync(join(network, source.from, "expected.json"), "utf8"));
      const [input, logits] = ["input.npy", "logits.npy"].map((name) => join(network, name));
      const written = new Set();
      const list = of({ ...source, golden });
      for (const [output, check, options] of list) {
        const file = join(out, output);
        if (!written.has(output)) await vggtool("convert", join(network, source.from, open), "-o", file, ...source.size);
        written.add(output);
        if (environment === "octave") await octave(check, file, input, logits);
        else if (environment === "engines")
          await program([join("test", "interop", "check_tfjs.mjs"), file, input, logits], { VGGTOOL_ENGINES: environmentEngines() });
        else if (options === undefined) await python(check, file, join(network, "canonical.npz"), "any");
        else await python(check, file, input, logits, { arch: /^vgg\d+/.exec(source.arch)[0], ...options });
      }
      return list.map(([output, , options]) => `${output}${options?.kind === "by-name" ? " by name" : ""}`).join(", ");
    },
  })),
);
