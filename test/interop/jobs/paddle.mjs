import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

const small = "vgg16-64x96";

/** Networks of paddle.vision, PaddleClas and the ones of case A, each with a file that Paddle wrote of the same weights. */
const golden = [
  { from: `${small}/mxnet-gluon`, reference: `${small}/paddle-vision`, network: "vision" },
  { from: "vgg16bn-64x96/caffe", reference: "vgg16bn-64x96/paddle-bn", network: "vision", norm: true },
  { from: "vgg16-224/matconvnet-net", reference: "vgg16-224/paddle-vision", network: "vision" },
  { from: `${small}/torch7`, reference: `${small}/paddle-seed-VGGNet`, network: "convpool" },
  { from: "vggface-64x96/paddle18-seed-vgg_face", reference: "vggface-64x96/paddle-seed-vgg_face", network: "face" },
  { from: "vgg16nobias-64x96/paddle18-models-params", reference: "vgg16nobias-64x96/paddle-clas", network: "clas" },
].map(({ from, reference, network, norm }) =>
  goldenJob({
    environment: "paddle",
    from,
    to: ["--to", "paddle", "--naming", `paddle-${network}`],
    output: "vgg.pdparams",
    check: "check_paddle",
    reference,
    // Dropout that scales at inference is in its logits.
    ...(network === "clas" ? { logits: join("paddle-clas", "logits_as_written.npy") } : {}),
    options: { network, norm: norm ?? false },
  }),
);

export const paddleJobs = [
  {
    name: "paddle: tf-slim to a state dict",
    environment: "paddle",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.pdparams");
      await vggtool("convert", demo.tfslim, "--to", "paddle", "-o", file);
      return python("check_paddle", file, demo.input, demo.logits, { reference: demo.paddle });
    },
  },
  ...golden,
];
