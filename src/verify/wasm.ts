import type { Engine } from "./engine.ts";
import { openTfjsSession, type TfjsBackend } from "./tfjs-session.ts";

/** The embedded engine: TensorFlow.js on its WebAssembly backend, one thread, deterministic. It needs nothing but Node. */
export const wasm: Engine = {
  id: "wasm",
  async probe() {
    return (await load()).device;
  },
  async open(network, weights, input, ctx) {
    return openTfjsSession(await load(), network, weights, input, ctx);
  },
};

async function load(): Promise<TfjsBackend> {
  const tf = await import("@tensorflow/tfjs-core");
  // Importing it registers the backend "wasm".
  const { version_wasm: version } = await import("@tensorflow/tfjs-backend-wasm");
  return { tf, backend: "wasm", device: { available: true, device: "cpu", deviceName: "WebAssembly SIMD, one thread", version } };
}
