import { CheckpointError } from "../../errors.ts";
import { type Requests, refusal } from "./requests.ts";
import type { RemoteResponse } from "./transport.ts";

/** Listings of the largest repositories and buckets come in pages of a few hundred kilobytes. */
const MOST = 16 << 20;

export interface Answer {
  readonly text: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** A short text that a server answers. Throws `io` and `not-found`, and `unsupported` for a long one. */
export async function textAnswer(url: string, shown: string, requests: Requests): Promise<Answer> {
  return requests.get(url, shown, new Map(), async (response) => {
    const refused = await refusal(response);
    if (refused !== undefined) throw refused;
    return { text: await textOf(response), headers: response.headers };
  });
}

async function textOf(response: RemoteResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > MOST) throw new CheckpointError("unsupported", `the server's answer has more than ${MOST} bytes, and a list was needed`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return new TextDecoder().decode(bytes);
}

/** The same as JSON, of whatever form. */
export async function jsonAnswer(
  url: string,
  shown: string,
  requests: Requests,
): Promise<{ readonly value: unknown } & Pick<Answer, "headers">> {
  const { text, headers } = await textAnswer(url, shown, requests);
  try {
    return { value: JSON.parse(text), headers };
  } catch (error) {
    throw new CheckpointError("io", "the server's answer is no JSON, which was needed", { file: shown, cause: error });
  }
}

/** A member of a JSON object; undefined where it is none or has none. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}
