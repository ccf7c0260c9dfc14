/**
 * Puts the library into `dist/`: the entries of the package, and what they share in pieces cut along the dynamic imports, with the
 * packages that they use inside. Installing vggtool brings no other package.
 *
 * TensorFlow.js becomes `dist/vendor/`, for the library and the command alike, with its WebAssembly beside it.
 */
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

/** What a person installs beside vggtool, where it is wanted. */
export const optional = [
  "h5wasm",
  "onnxruntime-node",
  "sharp",
  "webgpu",
  "@tensorflow/tfjs-node",
  "@tensorflow/tfjs-node-gpu",
  "@tensorflow/tfjs-backend-webgpu",
];

const vendored = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"];
const vendorName = (name) => name.replace("@tensorflow/", "");

/** Imports of the vendored packages become those of `dist/vendor/`; `folder` is where that is for whoever imports. */
export function fromVendor(folder) {
  return {
    name: "from-vendor",
    setup(bundle) {
      bundle.onResolve({ filter: /^@tensorflow\/(tfjs-core|tfjs-backend-wasm)$/ }, ({ path }) => ({
        path: `${folder}${vendorName(path)}.js`,
        external: true,
      }));
    },
  };
}

/** node-fetch is for Nodes that have no fetch of their own, before 18. */
const withoutNodeFetch = {
  name: "without-node-fetch",
  setup(bundle) {
    bundle.onResolve({ filter: /^node-fetch$/ }, () => ({ path: "node-fetch", namespace: "absent" }));
    bundle.onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "export default undefined;" }));
  },
};

const shared = {
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20",
  format: "esm",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};
/** Packages in CommonJS ask for Node's modules with `require`. */
const withRequire = `import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);`;
const withFolder = `${withRequire} import { dirname as folderOf } from "node:path"; import { fileURLToPath as pathOf } from "node:url"; const __filename = pathOf(import.meta.url); const __dirname = folderOf(__filename);`;

/** Paths of the files that went in, for the notices. */
export async function buildLibrary(root) {
  const library = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: { index: "src/index.ts", "report/report": "src/report/report.ts" },
    outdir: "dist",
    chunkNames: "lib/[name]-[hash]",
    external: [...optional, "#assets/*"],
    // From dist/lib/, where all code is that is loaded when it is asked for.
    plugins: [fromVendor("../vendor/")],
    banner: { js: withRequire },
  });
  return [...(await buildVendor(root)), ...inputsOf(library)];
}

async function buildVendor(root) {
  const folder = `${root}dist/vendor`;
  rmSync(folder, { recursive: true, force: true });
  const files = join(root, "node_modules", "@tensorflow", "tfjs-backend-wasm", "dist");
  const { metafile } = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: Object.fromEntries(vendored.map((name) => [vendorName(name), name])),
    outdir: "dist/vendor",
    mainFields: ["module", "main"],
    minify: true,
    plugins: [withoutNodeFetch],
    banner: { js: withFolder },
  });
  for (const name of readdirSync(files).filter((file) => file.endsWith(".wasm"))) cpSync(join(files, name), join(folder, name));
  return inputsOf({ metafile });
}

export function inputsOf({ metafile }) {
  return Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** Takes away the declarations that the entries' do not lead to: a program that uses the library reads no others. */
export function pruneDeclarations(root) {
  const dist = join(root, "dist");
  const wanted = new Set();
  const visit = (file) => {
    if (wanted.has(file)) return;
    wanted.add(file);
    for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)"/g)) {
      visit(join(dirname(file), path.replace(/\.(ts|js)$/, ".d.ts")));
    }
  };
  for (const entry of ["index", "report/report"]) visit(join(dist, `${entry}.d.ts`));
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    // Those of dist/assets/ are for who checks the types of this checkout.
    if (file.endsWith(".d.ts") && !/^assets\b/.test(file) && !wanted.has(join(dist, file))) rmSync(join(dist, file));
  }
  for (const folder of readdirSync(dist, { recursive: true, encoding: "utf8", withFileTypes: true }).reverse()) {
    if (folder.isDirectory() && readdirSync(join(folder.parentPath, folder.name)).length === 0)
      rmSync(join(folder.parentPath, folder.name), { recursive: true });
  }
}
