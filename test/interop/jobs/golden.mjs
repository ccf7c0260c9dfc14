import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Images of the small networks, which a dense file does not say. */
const smallImage = ["--input-size", "64x96x3"];

/**
 * A golden case through vggtool into another framework, which loads the output into its own network, computes the logits of the
 * architecture's folder, and compares every array with a golden case that it wrote itself.
 *
 * `from` and `reference` are <architecture>/<case>/; what a person would open there is in expected.json. `to` are options of
 * convert, `output` is its -o. `logits`: a file of the case where its network does not compute those of its folder.
 */
export function goldenJob({ environment, from, to, output, check, reference, logits, options = {} }) {
  const [arch] = from.split("/");
  return {
    name: `${environment}: ${from} ${to.join(" ")} (golden)`,
    environment,
    needs: "golden",
    async run({ vggtool, python, golden, out }) {
      const network = join(golden, arch);
      const file = join(out, output);
      const size = arch.endsWith("-64x96") ? smallImage : [];
      await vggtool("convert", opened(golden, from), ...to, ...size, "-o", file);
      return python(check, file, join(network, "input.npy"), join(network, logits ?? "logits.npy"), {
        arch: /^vgg\d+/.exec(arch)?.[0] ?? "vgg16",
        widths: join(network, "canonical.npz"),
        ...options,
        ...(reference === undefined ? {} : { reference: opened(golden, reference) }),
      });
    },
  };
}

function opened(golden, name) {
  const folder = join(golden, name);
  return join(folder, JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")).open);
}
