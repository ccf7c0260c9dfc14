import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { environmentEngines } from "../engines.mjs";

const size = { width: 120, height: 90 };

/** Pictures that the real sharp wrote, as a person gives them: a folder, two faces, descriptors, and what is no picture. */
export const picturesJobs = [
  {
    name: "engines: pictures of every kind through sharp",
    environment: "engines",
    async run({ out, root, attempted }) {
      const env = { VGGTOOL_ENGINES: environmentEngines() };
      const sharp = createRequire(join(env.VGGTOOL_ENGINES, "package.json"))("sharp");
      const file = join(root, "fixtures", "demo", "vgg_face.mat");
      const folder = join(out, "pictures");
      mkdirSync(folder);
      // TIFF's own default is JPEG inside.
      for (const [kind, options] of Object.entries({ png: {}, webp: {}, jpeg: {}, tiff: { compression: "lzw" } }))
        await sharp(drawn(1), raw)
          .toFormat(kind, options)
          .toFile(join(folder, `one.${kind}`));
      await sharp(drawn(2), raw).png().toFile(join(folder, "two.png"));
      writeFileSync(join(folder, "notes.txt"), "no picture\n");
      const verified = async (...args) => {
        const { code, stdout, stderr } = await attempted(["verify", file, ...args, "--json"], env);
        if (code !== 0) throw new Error(`${args.join(" ")}: exit code ${code}\n${stderr}${stdout}`);
        return JSON.parse(stdout);
      };

      const all = await verified("--input", folder, "--top", "2", "--descriptor", "fc7", "-o", join(out, "fc7.npy"));
      const names = all.input.pictures.map((path) => path.slice(folder.length + 1));
      same("pictures", names, ["one.jpeg", "one.png", "one.tiff", "one.webp", "two.png"]);
      same("rows of the list of classes", all.top.length, 2 * names.length);
      if (!all.top.every(({ label }) => typeof label === "string")) throw new Error("classes without the file's own names");
      const saved = readFileSync(join(out, "fc7.npy"));
      const [, shape] = /'shape': \((\d+, \d+)/.exec(saved.toString("latin1", 0, 200)) ?? [];
      same("shape of the saved descriptors", shape, all.descriptor.shape.join(", "));

      const at = (name) => join(folder, name);
      const { pair: itself } = await verified("--pair", at("one.png"), at("one.tiff"));
      const { pair: lossy } = await verified("--pair", at("one.png"), at("one.jpeg"));
      const { pair: apart } = await verified("--pair", at("one.png"), at("two.png"));
      if (itself.cosineDistance > 1e-6) throw new Error(`the same picture is ${itself.cosineDistance} from itself`);
      if (!(lossy.cosineDistance < apart.cosineDistance)) throw new Error(`JPEG ${lossy.cosineDistance}, another ${apart.cosineDistance}`);

      writeFileSync(at("half.png"), readFileSync(at("two.png")).subarray(0, 300));
      const { code, stderr } = await attempted(["verify", file, "--input", at("half.png")], env);
      if (code !== 2 || !stderr.includes("half.png")) throw new Error(`half a picture: exit code ${code}, ${stderr}`);
      return `${names.length} pictures; cosine distance of a JPEG to its PNG ${lossy.cosineDistance.toExponential(1)}, to another picture ${apart.cosineDistance.toExponential(1)}`;
    },
  },
];

const raw = { raw: { ...size, channels: 3 } };

/** Smooth colours that differ with the seed. */
function drawn(seed) {
  const bytes = new Uint8Array(size.width * size.height * 3);
  for (let k = 0; k < bytes.length; k++) {
    const [x, y, c] = [Math.floor(k / 3) % size.width, Math.floor(k / 3 / size.width), k % 3];
    bytes[k] = 128 + 100 * Math.sin((seed * x) / 17 + c) * Math.cos((y * (c + 1)) / (9 * seed));
  }
  return bytes;
}

function same(what, got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
}
