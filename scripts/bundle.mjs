/**
 * Puts the command into one file, `dist/cli/vggtool.cjs`, and beside it what V8 has compiled of it: opening some hundred modules one by
 * one, and compiling them, takes longer than listing a checkpoint. Modules behind a dynamic import stay unevaluated until asked for.
 *
 *     npm run build
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
const outfile = `${root}dist/cli/vggtool.cjs`;

/** Loaded at run time from node_modules: WebAssembly files lie beside them, or the user has installed them. */
const external = ["@tensorflow/*", "h5wasm", "onnxruntime-node", "sharp"];

/** commander loads node:child_process, and with it the network, for subcommands that are programs of their own: we have none. */
const withoutChildProcess = {
  name: "commander-without-child-process",
  setup(bundle) {
    bundle.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: "child_process", namespace: "absent" } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
  },
};

const { outputFiles } = await build({
  entryPoints: [`${root}src/cli/main.ts`],
  outfile,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // All of it in Latin-1, so that V8 keeps one byte a character.
  charset: "ascii",
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  external,
  plugins: [withoutChildProcess],
  // CommonJS knows its own address by another name.
  define: { "import.meta.url": "__bundleUrl" },
  // bin/vggtool compiles the file as one function expression, as Node does with a CommonJS module.
  banner: {
    js: '(function(exports,require,module,__filename,__import){const __bundleUrl=require("node:url").pathToFileURL(__filename).href;',
  },
  footer: { js: "})" },
  legalComments: "external",
  logLevel: "warning",
  write: false,
});

// Node 20 forgets who answers `import()` in code from a cache (seen: "A dynamic import callback was not specified"), so what is still
// imported at run time goes through the loader's own function.
mkdirSync(`${root}dist/cli`, { recursive: true });
for (const { path, text } of outputFiles) writeFileSync(path, text.replaceAll(/\bimport\((?=["\w])/g, "__import("));

// The code cache holds the functions that have run: what a plain inspection of each kind of container needs.
const warming = [
  "demo/vgg16.pdparams",
  "demo/vgg_16.ckpt",
  "demo/vgg_face.mat",
  "interop/vgg16.pth",
  "keras-h5/model/vgg.h5",
  "safetensors/sharded",
];
rmSync(`${outfile}.cache`, { force: true });
execFileSync(process.execPath, [`${root}bin/vggtool`, "inspect", ...warming.map((path) => `${root}fixtures/${path}`)], {
  env: { ...process.env, VGGTOOL_WRITE_CODE_CACHE: "1" },
  stdio: ["ignore", "ignore", "inherit"],
});
if (statSync(`${outfile}.cache`).size === 0) throw new Error("no code cache was written");
