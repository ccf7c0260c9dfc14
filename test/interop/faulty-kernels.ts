/**
 * The self-test on ONNX Runtime's WebGPU: in N H W C, the package's default, it computes convolutions wrong whose input channels are a multiple of
 * 3 and not of 4; in N C H W, which vggtool asks for, it does not. Prints what was found of the demo network.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { onnxruntimeWebgpu } from "../../src/verify/engines/onnxruntime.ts";
import { selfTest } from "../../src/verify/engines/self-test/self-test.ts";

const ctx = createContext();
const checkpoint = await open(join(fileURLToPath(new URL("../../", import.meta.url)), "fixtures", "demo", "vgg_face.mat"), ctx, {});
const network = identify(checkpoint)?.network;
if (network === undefined) throw new Error("the demo is no network");
for (const layout of ["NHWC", "NCHW"] as const) {
  const { layers, largest, fault } = await selfTest(onnxruntimeWebgpu("auto", layout), network, [1, 3, 64, 96], ctx);
  console.log(`${layout}: ${fault ?? `${layers} layers right, ${largest.toExponential(1)}`}`);
}
await checkpoint.close();
await ctx.dispose();
