import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const ifThere = (path: string): string | undefined => (existsSync(path) ? path : undefined);

/** Small checkpoints that are part of the repository. */
export const fixtures = folder("../../fixtures/");
/** The whole collections are beside the checkout, where they are there at all. */
export const golden = ifThere(folder("../../../shared/golden/"));
export const real = ifThere(folder("../../../shared/real/"));
