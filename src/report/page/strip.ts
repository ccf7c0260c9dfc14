import type { ArchitectureRecord, InspectRecord } from "../../inspect/inspect.ts";
import type { TensorRecord } from "../../inspect/list.ts";
import { naturalOrder } from "../../text/natural-order.ts";
import { count } from "../style.ts";
import type { StripData, StripLayer } from "./data.ts";
import { atMost, shownName } from "./shown.ts";

/** Layers of others that are drawn one by one. */
const MOST_FOREIGN = 40;

/** A network as a strip of its blocks: what is there, what is missing, and what else the file has. */
export function strips(record: InspectRecord): readonly StripData[] {
  return record.bodies.map((body, k) => {
    const blocks = new Map<string, StripLayer[]>();
    for (const layer of layersOf(body, record.tensors, k)) {
      const block = /^(conv\d+)_/.exec(layer.name)?.[1] ?? "fc";
      blocks.set(block, [...(blocks.get(block) ?? []), layer]);
    }
    if (k === 0 && record.foreign.length > 0) blocks.set("other layers", foreign(record));
    return {
      name: body.prefix === "" ? body.name : `${body.name} under ${shownName(body.prefix)}`,
      blocks: Array.from(blocks, ([name, layers]) => ({ name, layers })),
    };
  });
}

function layersOf(body: ArchitectureRecord, tensors: readonly TensorRecord[], index: number): readonly StripLayer[] {
  const stored = new Map<string, TensorRecord[]>();
  for (const tensor of tensors) {
    if (tensor.body !== index) continue;
    const names = new Set((tensor.role ?? "").split(", ").map(layerName));
    for (const name of names) stored.set(name, [...(stored.get(name) ?? []), tensor]);
  }
  const lacking = new Map<string, string[]>();
  for (const { role } of body.missing) {
    const name = layerName(role);
    lacking.set(name, [...(lacking.get(name) ?? []), role.slice(name.length + 1)]);
  }
  const names = new Set([...stored.keys(), ...lacking.keys()]);
  return [...names]
    .filter((name) => name !== "")
    .sort(forward)
    .map((name) => {
      const parts = lacking.get(name);
      if (parts?.includes("") === true || !stored.has(name)) return { name, state: "missing", detail: "missing" };
      if (parts !== undefined) return { name, state: "partial", detail: `lacks ${parts.join(", ")}` };
      return { name, state: "present", detail: outputsOf(name, stored.get(name) ?? []) };
    });
}

/** conv3_2 of conv3_2.weight. */
function layerName(role: string): string {
  return role.split(".")[0] ?? "";
}

/** Convolutions before the head, each by its numbers. */
function forward(a: string, b: string): number {
  const place = (name: string): number => (name.startsWith("conv") ? 0 : 1);
  return place(a) - place(b) || naturalOrder(a, b);
}

/** Where an axis of the weights is the outputs alone, its size. */
function outputsOf(name: string, tensors: readonly TensorRecord[]): string {
  const weight = tensors.find(({ role }) => role === `${name}.weight`);
  const groups: readonly string[] = weight?.axes?.match(/\([^)]*\)|\S+/g) ?? [];
  const outputs = weight?.shape[groups.indexOf("o")];
  return outputs === undefined ? "" : `${count(outputs)} outputs`;
}

function foreign({ foreign: layers }: InspectRecord): StripLayer[] {
  const [kept, left] = atMost(layers, MOST_FOREIGN);
  const drawn = kept.map(({ path, kind, tensors }): StripLayer => {
    const detail = `${kind}, ${tensors.length} ${tensors.length === 1 ? "tensor" : "tensors"}`;
    return { name: shownName(path), state: "foreign", detail };
  });
  return left === 0 ? drawn : [...drawn, { name: `and ${count(left)} more`, state: "foreign", detail: "" }];
}
