/**
 * Every golden checkpoint through a web server on the loopback interface: the record has to be the one from disk, but for the names of files.
 *
 *     npm run collections -- remote [--root FOLDER] [--case PREFIX]… [--quiet]
 */
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { type InspectRecord, inspect } from "../../src/index.ts";
import { serve } from "../remote/server.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

const { values } = parseArgs({
  options: { root: { type: "string", default: golden ?? "" }, case: { type: "string", multiple: true }, quiet: { type: "boolean" } },
});
if (values.root === "") throw new Error("../shared/golden is not there");

/** Without what says where it was read, in the record and in the sentences of findings. */
function placeless(record: InspectRecord, folder: string): string {
  const { file: _file, files: _files, ...rest } = record;
  const text = JSON.stringify(rest, (_key, value: unknown) =>
    value instanceof Map ? [...value] : typeof value === "bigint" ? String(value) : value,
  );
  return text.replaceAll(folder, "");
}

async function told(path: string, folder: string): Promise<string> {
  try {
    return placeless(await inspect(path, { hash: true }), folder);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

const server = await serve(values.root);
let right = 0;
let tried = 0;
for (const item of expectedCases(values.root)) {
  if (values.case && !values.case.some((prefix) => item.name.startsWith(prefix))) continue;
  tried += 1;
  const path = relative(values.root, item.path).split("/").map(encodeURIComponent).join("/");
  const [here, there] = [await told(item.path, values.root), await told(`${server.origin}/${path}`, server.origin)];
  if (here === there) right += 1;
  else if (values.quiet !== true)
    console.log(`${item.arch}/${item.name}\n    disk   ${here.slice(0, 200)}\n    server ${there.slice(0, 200)}`);
}
await server.close();
console.log(`cases right / cases tried: ${right} / ${tried}; ${server.requests.length} requests, ${server.bytes} bytes`);
process.exitCode = right === tried ? 0 : 1;
