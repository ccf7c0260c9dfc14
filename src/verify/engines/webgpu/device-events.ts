import { CheckpointError } from "../../../errors.ts";
import { property } from "../optional-package.ts";

/** What a device says besides its results, as sentences. */
export interface DeviceEvents {
  /** Rejects when the device is lost; what is waited for then may never come. */
  readonly lost: Promise<never>;
  /** Does something on the device; what it said of memory or of its end becomes a sentence. */
  explained<T>(work: () => Promise<T>): Promise<T>;
}

/** A GPUDevice, as far as it is listened to; TensorFlow.js brings no types of WebGPU. */
export interface HeardDevice {
  readonly lost: Promise<unknown>;
  addEventListener(type: "uncapturederror", heard: (event: unknown) => void): void;
}

/** WebGPU reports errors as events, and results that follow are worth nothing. `ended` is called when the device is lost. */
export function hear(device: HeardDevice, ended: () => void): DeviceEvents {
  const said: string[] = [];
  let end: CheckpointError | undefined;
  device.addEventListener("uncapturederror", (event) => {
    // Dawn would print it on stdout.
    if (hasMethod(event, "preventDefault")) event.preventDefault();
    said.push(wordsOf(property(event, "error")));
  });
  const lost = device.lost.then((info): never => {
    const message = firstLine(String(property(info, "message") ?? ""));
    end = new CheckpointError("unsupported", `the WebGPU device was lost while it computed${message === "" ? "" : ` (${message})`}`, {
      hint: "use a smaller --batch or input, or --engine wasm; a driver ends what takes too long",
    });
    ended();
    throw end;
  });
  // It is raced where something is waited for; nobody waits when it is lost at the end of the process.
  lost.catch(() => undefined);
  return {
    lost,
    async explained(work) {
      said.length = 0;
      const result = await work().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      // A read that fails comes before the events that say why.
      await new Promise((resolve) => setImmediate(resolve));
      // What is wrong behind memory that was not there follows from it.
      const memory = said.find(isMemory);
      if (memory !== undefined) throw eventError(memory);
      if (end !== undefined) throw end;
      if ("error" in result && result.error instanceof CheckpointError) throw result.error;
      const [first] = said;
      if (first !== undefined) throw eventError(first);
      if ("error" in result) throw isMemory(wordsOf(result.error)) ? eventError(wordsOf(result.error)) : result.error;
      return result.value;
    },
  };
}

/** What `requestDevice` was refused with. */
export function refusedDevice(error: unknown): CheckpointError {
  const said = wordsOf(error);
  return isMemory(said)
    ? eventError(said)
    : new CheckpointError("unsupported", `WebGPU opens no device on this adapter: ${firstLine(said)}`, {
        hint: "use --engine wasm; vggtool doctor says what is there",
        cause: error,
      });
}

function eventError(said: string): CheckpointError {
  if (isMemory(said)) {
    return new CheckpointError("unsupported", "the WebGPU device has not enough memory for this network and input", {
      hint: "use a smaller --batch or input, or --engine wasm",
      cause: said,
    });
  }
  return new CheckpointError("unsupported", `WebGPU refuses to compute the network: ${firstLine(said)}`, {
    hint: "use --engine wasm",
    cause: said,
  });
}

function isMemory(text: string): boolean {
  return /OutOfMemory|out of memory|OUT_OF_DEVICE_MEMORY|OUT_OF_HOST_MEMORY|allocation (failed|size)/i.test(text);
}

/** "GPUOutOfMemoryError: …": the class, or the name of a DOMException, and the message. */
function wordsOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const kind = error instanceof Error ? error.name : error.constructor.name;
  return `${kind}: ${String(property(error, "message") ?? "")}`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function hasMethod<K extends string>(owner: unknown, key: K): owner is Record<K, () => void> {
  return typeof property(owner, key) === "function";
}
