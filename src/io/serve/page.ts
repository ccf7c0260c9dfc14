import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CheckpointError } from "../../errors.ts";
import { kindAt } from "../regular.ts";
import { fileSource } from "../source/file.ts";

/** The page as an app (`dist/app.html`), which may ask the server that it comes from, and nobody else, and says so. Throws `not-found`. */
export async function appPage(): Promise<string> {
  const source = await fileSource(pagePath());
  try {
    const page = new TextDecoder().decode(await source.read(0, source.size));
    const served = page
      .replace("connect-src 'none'", "connect-src 'self'")
      .replace("<title>", `<meta name="vggtool" content="files.json">\n<title>`);
    if (!served.includes("connect-src 'self'") || !served.includes('name="vggtool"')) throw new Error("the page is not as it was built");
    return served;
  } finally {
    await source.close();
  }
}

/** Of this package, in whichever of its folders this module is. */
function pagePath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let at = here; dirname(at) !== at; at = dirname(at)) {
    const path = join(at, "dist", "app.html");
    if (kindAt(path) === "file" && kindAt(join(at, "bin", "vggtool")) === "file") return path;
  }
  throw new CheckpointError("not-found", "the page is not built", { hint: "npm run build, in the folder of vggtool" });
}
