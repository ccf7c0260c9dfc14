/**
 * Puts the command into a few files under `dist/cli/`, and beside each what V8 has compiled of it: opening some hundred modules one by
 * one, and compiling them, takes longer than listing a checkpoint, and so does opening all of them at once.
 *
 * esbuild cuts the modules into pieces along their dynamic imports. What every inspection runs goes into `vggtool.cjs`; the other pieces
 * are put together by the sample commands that ask for them, so that a run opens its own few files and nothing else.
 *
 *     npm run build
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { build, transform } from "esbuild";
import { makeAssets } from "./assets.mjs";
import { buildLibrary, fromVendor, inputsOf, optional } from "./library.mjs";
import { notices } from "./notices.mjs";
import { buildApp } from "./web.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}dist/cli`;
/** Of the function that each piece becomes; bin/vggtool calls it. */
const parameters = "exports,require,module,__load,__import,__bundle";

/** Plain inspections of each kind of container: what they load together is the main file, and what they run is compiled beforehand. */
const inspections = [
  "demo/vgg16.pdparams",
  "demo/vgg_16.ckpt",
  "tf-v1/partitioned-sharded/vgg_16.ckpt-00000-of-00002",
  "demo/vgg_face.mat",
  "interop/vgg16.pth",
  "keras-h5/model/vgg.h5",
  "safetensors/sharded",
].map((path) => `${root}fixtures/${path}`);

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

/** What bin/vggtool runs has a `require` already, and node:module loads the loader of ES modules. */
const ownRequire = {
  name: "own-require",
  setup(bundle) {
    bundle.onResolve({ filter: /^node:module$/ }, ({ importer }) =>
      /[\\/]io[\\/]compression\.ts$/.test(importer) ? { path: "module", namespace: "own-require" } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: "own-require" }, () => ({ contents: "export const createRequire = () => require;" }));
  },
};

/**
 * What a plain inspection seldom asks for. string-width: its expressions of Unicode properties and its Intl.Segmenter take some 30 ms when
 * it is loaded, and only cells outside the Latin letters are measured with it; node:os: 0.3 ms. esbuild runs what is required in a function
 * when the function is called.
 */
const firstUses = new Map([
  ["string-width", `export default (text) => require("string-width").default(text);`],
  [
    "node:os",
    `export const tmpdir = () => require("node:os").tmpdir(); export const homedir = () => require("node:os").homedir(); export const availableParallelism = () => require("node:os").availableParallelism();`,
  ],
]);
const onFirstUse = {
  name: "on-first-use",
  setup(bundle) {
    bundle.onResolve({ filter: /^(string-width|node:os)$/ }, ({ importer, namespace, path }) =>
      namespace === "first-use" || /node_modules/.test(importer) ? undefined : { path, namespace: "first-use" },
    );
    bundle.onLoad({ filter: /.*/, namespace: "first-use" }, ({ path }) => ({ contents: firstUses.get(path), resolveDir: root }));
  },
};

/** name → the body of a function, and the paths of what is in them. */
async function pieces() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`${root}src/cli/main.ts`],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // All of it in Latin-1, so that V8 keeps one byte a character.
    charset: "ascii",
    minifyWhitespace: true,
    minifySyntax: true,
    // V8 makes every name of the code cache anew: short ones save 3 ms of a start. Stack traces give line and column of the files here.
    minifyIdentifiers: true,
    lineLimit: 160,
    external: optional,
    plugins: [fromVendor("vendor/"), withoutChildProcess, ownRequire, onFirstUse],
    define: { "import.meta.url": "__bundle.url" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
    write: false,
  });
  const bodies = new Map();
  for (const { path, text } of outputFiles) {
    const { code } = await transform(text, { format: "cjs", platform: "node", target: "node20", charset: "ascii", minifyWhitespace: true });
    // Node 20 forgets who answers `import()` in code from a cache (seen: "A dynamic import callback was not specified"), so what is
    // imported at run time goes through the loader's own functions.
    const linked = code.replaceAll(/\bimport\((?="\.\/)/g, "__load(").replaceAll(/\bimport\((?=["\w])/g, "__import(");
    // esbuild escapes what is not ASCII in strings, and leaves it in regular expressions.
    bodies.set(
      basename(path),
      linked.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    );
  }
  return { bodies, inputs: inputsOf({ metafile }) };
}

/** One file of some pieces: an expression whose value has them as functions, and, in the main file, says where the others are. */
function write(name, members, places) {
  const functions = members.map((member) => `${JSON.stringify(member)}(${parameters}){${bodies.get(member)}}`);
  writeFileSync(`${folder}/${name}`, `({pieces:{${functions.join(",\n")}},places:${JSON.stringify(places)}})`, "latin1");
}

/** With these V8 makes the same cache each time: hashes without a random seed, no function forgotten, no work in other threads. */
const repeatable = ["--hash-seed=7", "--random-seed=7", "--no-flush-bytecode", "--single-threaded"];
/** A cache's header: magic number, version, source and flags as hashes, each 32 bits; V8 refuses one that was made under other flags. */
const flagsHash = 12;

/** Writes into each cache the flags that the command runs with: none. Throws where V8 refuses the result. */
function withoutFlags() {
  const plain = new Script("0").createCachedData().readUInt32LE(flagsHash);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".cache"))) {
    const cache = readFileSync(`${folder}/${name}`);
    cache.writeUInt32LE(plain, flagsHash);
    writeFileSync(`${folder}/${name}`, cache);
    const filename = `${folder}/${name.replace(/\.cache$/, "")}`;
    const { cachedDataRejected } = new Script(readFileSync(filename, "latin1"), { filename, cachedData: cache });
    if (cachedDataRejected) throw new Error(`V8 refuses the code cache ${name}`);
  }
}

/** Runs what was built with some command lines; in place of these the loader writes the pieces that it loaded, and the code caches of their files. */
function loadedBy(...lines) {
  const record = join(tmpdir(), `vggtool-build-${process.pid}.json`);
  writeFileSync(record, JSON.stringify(lines));
  execFileSync(process.execPath, [...repeatable, `${root}bin/vggtool`], {
    env: { ...process.env, VGGTOOL_BUILD_RECORD: record },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const names = JSON.parse(readFileSync(record, "utf8"));
  rmSync(record);
  return new Set(names);
}

// Pieces are named by their contents: those of the build before would be packed too.
rmSync(`${root}dist`, { recursive: true, force: true });
await makeAssets(root);
const { bodies, inputs } = await pieces();
const names = [...bodies.keys()];
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(`${root}dist/THIRD-PARTY-NOTICES.txt`, notices(root, [...(await buildLibrary(root)), ...(await buildApp()), ...inputs]));
write("vggtool.cjs", names, {});

const inspected = inspections.map((path) => loadedBy(["inspect", path]));
const common = names.filter((name) => inspected.filter((loaded) => loaded.has(name)).length * 2 > inspected.length);
const groups = new Map();
for (const name of names) {
  if (common.includes(name)) continue;
  const users = inspected.flatMap((loaded, k) => (loaded.has(name) ? [k] : []));
  const group = users.length > 0 ? `part-${users.join("-")}.cjs` : name.replace(/\.js$/, ".cjs");
  groups.set(group, [...(groups.get(group) ?? []), name]);
}
rmSync(`${folder}/vggtool.cjs.cache`);
const places = Object.fromEntries([...groups].flatMap(([group, members]) => members.map((name) => [name, group])));
write("vggtool.cjs", common, places);
for (const [group, members] of groups) write(group, members, {});
// In one run, so that the cache of the main file has what any of them compiles.
loadedBy(...inspections.map((path) => ["inspect", path]));
withoutFlags();
