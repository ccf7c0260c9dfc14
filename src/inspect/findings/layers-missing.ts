import type { Body, Missing } from "../../model/identity.ts";
import { few } from "../../text/few.ts";
import type { AuditSubject, Check, Finding } from "./check.ts";
import { groupedDigits } from "./numbers.ts";

/** Layers that the network of that depth has and the file lacks, and batch norm whose statistics were not saved. */
export const layersMissing: Check = {
  code: "layers-missing",
  title: "layers that the network has and the file lacks",
  needs: "headers",
  async run(subject) {
    const { identity } = subject;
    if (identity === undefined) return looseHead(subject);
    return identity.bodies.flatMap((body) => [...missingBody(body), ...missingParts(body), ...unreadParts(body)]);
  },
};

/** A head without its convolutions: one finding, with the arithmetic. */
function missingBody(body: Body): readonly Finding[] {
  const { network, roles } = body;
  if (network.layers.some((layer) => layer.kind === "conv")) return [];
  const convs = network.missing.filter((name) => name.startsWith("conv"));
  const first = network.layers.find((layer) => layer.kind === "fc");
  const width = first?.inputs ?? 0;
  const slot = roles.get("fc6.weight");
  const stored = slot !== undefined && "key" in slot ? ` (${slot.key})` : "";
  const product = network.featureShape?.every((size) => size !== undefined) === true ? ` = ${network.featureShape.join(" × ")}` : "";
  const message = `nothing in the file produces the ${groupedDigits(width)}${product} values that ${first?.name ?? "fc6"}${stored} takes: the ${convs.length} convolutions of a VGG-16 (and their batch norm, if any) are missing: ${convs.join(", ")}`;
  const fix =
    "save the whole network: register every layer (add_sublayer or LayerList in Paddle, ModuleList or add_module in PyTorch) and check that state_dict() lists the convolutions";
  return [{ code: "layers-missing", severity: "error", message, layers: convs, fix }];
}

/** What is missing for one reason is one finding. */
function missingParts(body: Body): readonly Finding[] {
  const bodyless = !body.network.layers.some((layer) => layer.kind === "conv");
  const groups = new Map<string, Missing[]>();
  for (const missing of body.missing) {
    if (bodyless && missing.role.startsWith("conv")) continue;
    const key = `${groupOf(missing)} ${missing.likelihood} ${missing.role.includes(".") ? "" : missing.why}`;
    groups.set(key, [...(groups.get(key) ?? []), missing]);
  }
  return [...groups.values()].flatMap((group) => asFinding(group) ?? []);
}

function groupOf({ role }: Missing): string {
  if (/\.bn\.(mean|var)$/.test(role)) return "statistics";
  return role === "fc8" ? "fc8" : role.includes(".") ? "part" : "layer";
}

const severities = { certain: "error", probable: "warning", possible: "info" } as const;

function asFinding(group: readonly Missing[]): Finding | undefined {
  const [first] = group;
  if (first === undefined) return undefined;
  const layers = group.map(({ role }) => role);
  const verb = layers.length === 1 ? "is" : "are";
  const severity = severities[first.likelihood];
  const finding = (message: string, fix: string): Finding => ({ code: "layers-missing", severity, message, layers, fix });
  if (groupOf(first) === "fc8") {
    const message = "fc8 is missing: the network ends in features";
    return { code: "layers-missing", severity: "warning", message, layers, fix: "convert with --num-classes N to add a new one" };
  }
  if (groupOf(first) === "statistics") {
    const either = first.why.startsWith("no norm")
      ? "; or these are group, instance or layer norms, which have none: then nothing is missing, and this is no VGG with batch norm"
      : "";
    return finding(
      `${layers.length} running statistics of batch norm are missing (${few(layers)}): without them the network computes something else at inference than in training${either}`,
      "save state_dict(), not parameters(): running means and variances are buffers",
    );
  }
  const fix = `take the ${layers.length === 1 ? "layer" : "layers"} from the checkpoint that this one was made from`;
  if (first.likelihood === "possible" && first.role.includes(".")) return finding(`${few(layers)} ${verb} not there: ${first.why}`, fix);
  if (first.likelihood === "possible") {
    return finding(
      `${first.why}: either the features were cut in front of ${layers[0]} on purpose, or ${few(layers)} ${verb} missing; the channels fit without`,
      fix,
    );
  }
  const probably = first.likelihood === "probable" ? "probably " : "";
  if (/^\d+ convolutions/.test(first.why)) {
    return finding(
      `${first.why}: ${few(layers)} ${verb} ${probably}missing; the channels fit without it, so it loads and computes something else`,
      fix,
    );
  }
  return finding(`${few(layers)} ${verb} missing: ${first.why}`, fix);
}

/** Keys under a layer's name that are none of its parts. */
function unreadParts({ unread }: Body): readonly Finding[] {
  if (unread.length === 0) return [];
  const [is, them] = unread.length === 1 ? ["is", "its layer is"] : ["are", "their layers are"];
  const message = `${few(unread)} ${is} kept under the name of a layer and ${is} no known part of one: ${them} not wholly read`;
  return [
    {
      code: "layers-missing",
      severity: "warning",
      message,
      layers: unread,
      fix: "convert carries them into plain tensor files; what they do is not known",
    },
  ];
}

/** Channels of the last feature map of most convolutional networks; fewer places are pooled features, complete as they are. */
const channels = 512;
const fewestPlaces = 9;

/** Matrices alone, the first of which takes 512 channels of a square map: a head without its body, of whatever network. */
function looseHead({ checkpoint }: AuditSubject): readonly Finding[] {
  const shapes = [...checkpoint.tensors.values()].filter((tensor) => tensor.shape.length >= 2);
  const first = shapes[0];
  if (first === undefined || shapes.length > 4 || shapes.some((tensor) => tensor.shape.length !== 2)) return [];
  const rows = Math.max(...first.shape);
  const places = rows / channels;
  if (places < fewestPlaces || !Number.isInteger(Math.sqrt(places))) return [];
  const message = `${first.name} takes ${groupedDigits(rows)} = ${channels} × ${Math.sqrt(places)} × ${Math.sqrt(places)} values, which no layer in the file produces`;
  return [{ code: "layers-missing", severity: "warning", message, layers: [first.name] }];
}
