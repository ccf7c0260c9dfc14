import { isNumeric, type NumericTensor, type StorageView } from "../../tensor/tensor.ts";
import { few } from "../../text/few.ts";
import type { AuditSubject, Check, Finding } from "./check.ts";

/** Two names for the same bytes (tied weights), or the same variable stored twice. */
export const duplicateStorage: Check = {
  code: "duplicate-storage",
  title: "tensors that share their bytes, or are stored twice",
  needs: "headers",
  async run(subject) {
    return [...(await tied(subject)), ...storedTwice(subject)];
  },
};

async function tied({ checkpoint }: AuditSubject): Promise<readonly Finding[]> {
  if (checkpoint.conventions.shares !== true) return [];
  const groups = new Map<object, Map<string, string[]>>();
  for (const tensor of checkpoint.tensors.values()) {
    if (!isNumeric(tensor) || tensor.shape.includes(0)) continue;
    const view = tensor.view?.() ?? (await viewOfParts(tensor));
    if (view === undefined) continue;
    const places = groups.get(view.storage) ?? new Map<string, string[]>();
    groups.set(view.storage, places);
    places.set(view.place, [...(places.get(view.place) ?? []), tensor.name]);
  }
  const same = [...groups.values()].flatMap((places) => [...places.values()]).filter((names) => names.length > 1);
  if (same.length === 0) return [];
  const message = `${same.length === 1 ? "tensors share" : `${same.length} groups of tensors share`} the same bytes: ${few(same.map((names) => names.join(" = ")))}`;
  return [
    {
      code: "duplicate-storage",
      severity: "info",
      message,
      layers: same.flat(),
      fix: "tied weights: formats without ties store them once for each name",
    },
  ];
}

/** The only part of a tensor. */
async function viewOfParts(tensor: NumericTensor): Promise<StorageView | undefined> {
  const [part, more] = await tensor.parts();
  if (part === undefined || more !== undefined) return undefined;
  return { storage: part.source, place: `${part.offset} ${part.shape.join()} ${part.strides.join()}` };
}

/** Keras 3 `model.export`: every variable under variables/N and again under _all_variables/N. */
function storedTwice({ checkpoint }: AuditSubject): readonly Finding[] {
  const copies = [...checkpoint.tensors.keys()].filter((name) => name.startsWith("_all_variables/"));
  if (copies.length === 0) return [];
  const message = `Keras' export stores every variable twice: the ${copies.length} tensors under _all_variables/ are second copies and are not counted`;
  return [{ code: "duplicate-storage", severity: "info", message, layers: copies, fix: "convert takes the first of each" }];
}
