import { describe, expect, test } from "vitest";
import { inspect } from "../../src/library/inspect.ts";
import { expectedCases, type GoldenCase } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

const all = golden === undefined ? [] : expectedCases(golden).filter(({ json }) => json.roles !== undefined);

/** One case of each framework and form that the folder has: names that begin alike are one framework's. */
function oneOfEach(arch: string): readonly GoldenCase[] {
  const byForm = new Map<string, GoldenCase>();
  for (const each of all) if (each.arch === arch) byForm.set(`${each.name.split("-")[0]} ${/\.\w+$/.exec(each.path)?.[0]}`, each);
  return [...byForm.values()];
}

describe.skipIf(golden === undefined)("activations of one picture, and operations, are one number for one network in any format", () => {
  test.each(["vgg11-64x96", "vgg16-64x96", "vgg16bn-64x96", "vgg16-224", "vgg19-64x96"])("%s", async (arch) => {
    const found = new Map<string, string[]>();
    for (const { name, path } of oneOfEach(arch)) {
      const size = arch.endsWith("-64x96") ? { inputSize: [64, 96, 3] as const } : {};
      const { architecture, layerTotals, tensors } = await inspect(path, { layers: true, ...size });
      const dtype = tensors.find(({ role }) => role === "conv1_1.weight")?.dtype;
      if (architecture?.complete !== true || architecture.classes === null || dtype !== "float32") continue;
      const totals = `${layerTotals?.activationBytes} bytes, ${layerTotals?.multiplyAdds} operations`;
      found.set(totals, [...(found.get(totals) ?? []), name]);
    }
    const [names] = [...found.values()];
    expect([...found.keys()]).toHaveLength(1);
    expect([...found.keys()][0]).toMatch(/^\d+ bytes, \d+ operations$/);
    expect(names?.length).toBeGreaterThan(1);
  });
});
