import type { Identity } from "../../model/identity.ts";
import { type Role, roleOf } from "../../model/role.ts";
import { few } from "../../text/few.ts";
import type { Check, Finding, Subject } from "./check.ts";
import { lastOfBlock, oneOfEight } from "./last-of-block.ts";
import { grouped } from "./numbers.ts";

/** Layers that the network of that depth has and the file lacks, and batch norm whose statistics were not saved. */
export const layersMissing: Check = {
  code: "layers-missing",
  title: "layers that the network has and the file lacks",
  needs: "headers",
  async run(subject) {
    const { identity } = subject;
    if (identity === undefined) return [...looseHead(subject), ...oneOfEight(subject.checkpoint)];
    return [...missingConvs(identity), ...lastOfBlock(identity), ...missingHead(identity), ...missingStatistics(identity, subject)];
  },
};

function missingConvs({ network, roles }: Identity): readonly Finding[] {
  const convs = network.missing.filter((name) => name.startsWith("conv"));
  if (convs.length === 0) return [];
  const first = network.layers.find((layer) => layer.kind === "fc");
  const bodyless = !network.layers.some((layer) => layer.kind === "conv");
  const width = first?.inputs ?? 0;
  const slot = roles.get("fc6.weight");
  const stored = slot !== undefined && "key" in slot ? ` (${slot.key})` : "";
  const product = network.featureShape?.every((size) => size !== undefined) === true ? ` = ${network.featureShape.join(" × ")}` : "";
  const message = bodyless
    ? `nothing in the file produces the ${grouped(width)}${product} values that fc6${stored} takes: the ${convs.length} convolutions of a VGG-16 (and their batch norm, if any) are missing: ${convs.join(", ")}`
    : `the numbering has ${convs.length === 1 ? "a gap" : "gaps"}: ${few(convs)} ${convs.length === 1 ? "is" : "are"} missing`;
  const fix = bodyless
    ? "save the whole network: register every layer (add_sublayer or LayerList in Paddle, ModuleList or add_module in PyTorch) and check that state_dict() lists the convolutions"
    : "take the layers from the checkpoint that this one was made from";
  return [{ code: "layers-missing", severity: "error", message, layers: convs, fix }];
}

/** fc6 and fc7 without what follows: somebody's feature extractor. */
function missingHead({ network }: Identity): readonly Finding[] {
  const head = network.missing.filter((name) => name.startsWith("fc"));
  if (head.length === 0) return [];
  const message = `${few(head)} ${head.length === 1 ? "is" : "are"} missing: the network ends in features`;
  return [{ code: "layers-missing", severity: "warning", message, layers: head, fix: "convert with --num-classes N to add a new one" }];
}

/** gamma or beta are stored, mean or variance are not: the parameters were saved and not the state dict. */
function missingStatistics({ network, roles }: Identity, { checkpoint }: Subject): readonly Finding[] {
  const isStored = (role: Role): boolean => {
    const slot = roles.get(role);
    return slot !== undefined && "key" in slot && checkpoint.tensors.has(slot.key);
  };
  const lacking = network.layers.flatMap((layer) => {
    if ((layer.kind !== "conv" && layer.kind !== "fc") || layer.batchNorm === undefined) return [];
    return (["bn.mean", "bn.var"] as const).map((part) => roleOf(layer.name, part)).filter((role) => !isStored(role));
  });
  if (lacking.length === 0) return [];
  const message = `${lacking.length} running statistics of batch norm are missing (${few(lacking)}): without them the network computes something else at inference than in training`;
  return [
    {
      code: "layers-missing",
      severity: "error",
      message,
      layers: lacking,
      fix: "save state_dict(), not parameters(): running means and variances are buffers",
    },
  ];
}

/** Channels of the last feature map of most convolutional networks; fewer places are pooled features, complete as they are. */
const channels = 512;
const fewestPlaces = 9;

/** Matrices alone, the first of which takes 512 channels of a square map: a head without its body, of whatever network. */
function looseHead({ checkpoint }: Subject): readonly Finding[] {
  const shapes = [...checkpoint.tensors.values()].filter((tensor) => tensor.shape.length >= 2);
  const first = shapes[0];
  if (first === undefined || shapes.length > 4 || shapes.some((tensor) => tensor.shape.length !== 2)) return [];
  const rows = Math.max(...first.shape);
  const places = rows / channels;
  if (places < fewestPlaces || !Number.isInteger(Math.sqrt(places))) return [];
  const message = `${first.name} takes ${grouped(rows)} = ${channels} × ${Math.sqrt(places)} × ${Math.sqrt(places)} values, which no layer in the file produces`;
  return [{ code: "layers-missing", severity: "warning", message, layers: [first.name] }];
}
