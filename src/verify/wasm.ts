import { createRequire } from "node:module";
import type { Device, Engine } from "./engine.ts";
import { openTfjsSession, type TfjsBackend } from "./tfjs-session.ts";

const PACKAGE = "@tensorflow/tfjs-backend-wasm";

/** The embedded engine: TensorFlow.js on its WebAssembly backend, one thread, deterministic. It needs nothing but Node. */
export const wasm: Engine = {
  id: "wasm",
  async probe() {
    return device();
  },
  async open(network, weights, input, ctx) {
    return openTfjsSession(await load(), network, weights, input, ctx);
  },
};

async function load(): Promise<TfjsBackend> {
  const tf = await import("@tensorflow/tfjs-core");
  // Importing it registers the backend "wasm".
  await import("@tensorflow/tfjs-backend-wasm");
  return { tf, backend: "wasm", device: device() };
}

/** From the package's own description: asking what there is starts no engine. */
function device(): Device {
  const description: unknown = createRequire(import.meta.url)(`${PACKAGE}/package.json`);
  const version = typeof description === "object" && description !== null && "version" in description ? String(description.version) : "?";
  return { available: true, device: "cpu", deviceName: "WebAssembly SIMD, one thread", version };
}
