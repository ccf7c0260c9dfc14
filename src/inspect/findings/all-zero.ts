import { kindOf } from "../../model/kinds.ts";
import { few } from "../../text/few.ts";
import type { AuditSubject, Check } from "./check.ts";

/**
 * Weights of which every value is 0 were never filled in. Biases, means and beta are 0 in every fresh network, and
 * optimizer state in every fresh optimizer: they are no finding.
 */
export const allZero: Check = {
  code: "all-zero",
  title: "weight tensors in which every value is 0",
  needs: "statistics",
  async run(subject) {
    const names = [...(subject.statistics ?? [])].filter(([, { count, zeros }]) => count > 1 && zeros === count).map(([name]) => name);
    const found = names.filter((name) => isWeight(name, subject));
    if (found.length === 0) return [];
    return [
      {
        code: "all-zero",
        severity: "warning",
        message: `${found.length === 1 ? "1 weight tensor is" : `${found.length} weight tensors are`} 0 throughout: ${few(found)}`,
        layers: found,
        fix: "the layer computes nothing from its input: check that the weights were loaded before they were saved",
      },
    ];
  },
};

/** What frameworks call the weights of a layer: the last word of a name, behind any separator. */
const WEIGHT_NAME = /(^|[^A-Za-z])(weights?|kernel|filters?|gamma|W)(_v|_g)?(:0)?$/i;

/**
 * Kernels, matrices and the factors of a batch norm. Outside the recognised network a name has to say so: arrays of zeros
 * are ordinary data elsewhere (initial states, masks, sparse matrices).
 */
function isWeight(name: string, { checkpoint, identity }: AuditSubject): boolean {
  const tensor = checkpoint.tensors.get(name);
  if (tensor === undefined || kindOf(tensor) !== "parameter") return false;
  for (const [role, slot] of identity?.roles ?? []) {
    if (!("constant" in slot) && slot.key === name) return role.endsWith(".weight") || role.endsWith(".bn.var");
  }
  return WEIGHT_NAME.test(name) && tensor.shape.filter((size) => size > 1).length >= 2;
}
