import { CheckpointError } from "../../errors.ts";
import { TransientError, type Transport } from "./transport.ts";

/** Requests by a function of the form of `fetch`, which follows redirects, and leaves credentials out behind those to another host, itself. */
export function fetchTransport(ask: typeof fetch): Transport {
  return async ({ url, method, headers, signal }) => {
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    signal.addEventListener("abort", stop);
    try {
      const response = await ask(url, {
        method,
        headers: [...headers].map(([name, value]): [string, string] => [name, value]),
        signal: controller.signal,
      });
      return {
        status: response.status,
        headers: new Map(response.headers),
        url: response.url === "" ? url : response.url,
        body: chunksOf(response),
        cancel() {
          signal.removeEventListener("abort", stop);
          controller.abort();
        },
      };
    } catch (error) {
      signal.removeEventListener("abort", stop);
      throw broken(error);
    }
  };
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } catch (error) {
    throw broken(error);
  }
}

/** `fetch` says of no failure what it is: all may pass. */
function broken(error: unknown): Error {
  if (error instanceof CheckpointError) return error;
  return new TransientError(`the request failed (${error instanceof Error ? error.message : String(error)})`, { cause: error });
}
