/** The last step of the build: the manual page by the command itself, and no declarations that nobody reads. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pruneDeclarations } from "./library.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
writeFileSync(`${root}dist/vggtool.1`, execFileSync(process.execPath, [`${root}bin/vggtool`, "man"]));
pruneDeclarations(root);
