import { createRequire } from "node:module";

type Zlib = typeof import("node:zlib");
let loaded: Zlib | undefined;

/** Node's zlib, loaded when first asked for: it brings all of Node's streams, some milliseconds that uncompressed files do without. */
export function zlib(): Zlib {
  if (loaded !== undefined) return loaded;
  const module: Zlib = createRequire(import.meta.url)("node:zlib");
  loaded = module;
  return module;
}
