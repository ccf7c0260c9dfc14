import { CheckpointError } from "../../errors.ts";
import { elements, isWeighted, kernelShape, layerShapes, type WeightedLayer } from "../../model/geometry/shapes.ts";
import type { Network, NetworkLayer } from "../../model/network/network.ts";
import type { Device, Engine } from "./engine.ts";
import { openTfjsSession, type TfjsBackend } from "./tfjs-session.ts";

/** Of TensorFlow.js, which is inside: asking what there is starts no engine. */
const VERSION = "4.22.0";

/**
 * The embedded engine: convolutions and pools by TensorFlow.js on its WebAssembly backend, one thread, deterministic; fully connected
 * layers as sums of our own. It needs nothing but Node.
 */
export const wasm: Engine = {
  id: "wasm",
  async probe() {
    return device();
  },
  async open(network, weights, input, ctx) {
    // How many pictures are run at once is decided later.
    requireRoom(network, input.shape.length === 4 ? input.shape.with(0, 1) : input.shape, input.once === true);
    const session = await openTfjsSession(await load(), network, weights, input, ctx);
    return {
      ...session,
      async run(batch, visit) {
        requireRoom(network, batch.shape, input.once === true);
        await session.run(batch, visit);
      },
    };
  },
};

/** WebAssembly's heap ends at 4 GiB; some of it is fragments and the library's own. */
const HEAP = 3.6 * 2 ** 30;

/**
 * Throws `unsupported` where weights and activations do not fit into the heap. Known beforehand, because the library does not
 * check what its allocator returns: it would write over its own data and end in a trap, or in wrong numbers.
 */
function requireRoom(network: Network, inputShape: readonly number[], once: boolean): void {
  const [pictures = 1] = inputShape;
  const rows = layerShapes(network, inputShape);
  const values = rows.map(({ layer, input }) => (onHeap(network, layer) ? elements(kernelShape(network, layer, input)) : 0));
  // XNNPACK keeps a packed copy of every kernel; those of one layer where they are read in turn.
  const weights = 2 * 4 * (once ? Math.max(0, ...values) : values.reduce((sum, count) => sum + count, 0));
  // Input, product and sum (later: sum, rectified, and turned for reading), and a pointer for each position of each window.
  const layers = rows.map(({ layer, input, output }) => {
    const [, height = 1, width = 1] = output;
    const pointers = isWeighted(layer) ? 4 * height * width * elements(kernelShape(network, layer, input).slice(0, 2)) : 0;
    return 4 * pictures * (elements(input) + 2 * elements(output)) + pointers;
  });
  const needed = weights + Math.max(0, ...layers);
  if (needed <= HEAP) return;
  const gigabytes = (needed / 1e9).toFixed(1);
  throw new CheckpointError(
    "unsupported",
    `the embedded engine would need ${gigabytes} GB for ${pictures} × ${inputShape.slice(2).join("×")}, and has ${(HEAP / 1e9).toFixed(1)} GB`,
    { hint: pictures > 1 ? "use a smaller --batch" : "use a smaller input, or --engine tensorflow or onnxruntime" },
  );
}

/** A head of convolutions may be larger than one picture's, and slide there. */
function onHeap(network: Network, layer: NetworkLayer): layer is WeightedLayer {
  return layer.kind === "conv" || (layer.kind === "fc" && network.head === "conv");
}

async function load(): Promise<TfjsBackend> {
  const tf = await import("@tensorflow/tfjs-core");
  // Importing it registers the backend "wasm".
  await import("@tensorflow/tfjs-backend-wasm");
  return { tf, backend: "wasm", device: device(), frugal: true };
}

function device(): Device {
  return { available: true, device: "cpu", deviceName: "WebAssembly SIMD, one thread", version: VERSION };
}
