import { kindOf } from "../../model/kinds.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { isNumeric, type Tensor } from "../../tensor/tensor.ts";
import type { Check } from "./check.ts";
import { bytesText } from "./numbers.ts";

/** What an optimizer keeps beside the weights: needed to go on training, for nothing else. */
export const optimizerState: Check = {
  code: "optimizer-state",
  title: "tensors of an optimizer, which inference does not need",
  needs: "headers",
  async run({ checkpoint }) {
    const state = [...checkpoint.tensors.values()].filter((tensor) => kindOf(tensor) === "optimizer");
    if (state.length === 0) return [];
    const bytes = total(state);
    const all = total([...checkpoint.tensors.values()]);
    const share = all === 0 ? 0 : Math.round((100 * bytes) / all);
    const rest = state.length < checkpoint.tensors.size;
    return [
      {
        code: "optimizer-state",
        severity: "info",
        message: `${state.length === 1 ? "1 tensor is" : `${state.length} tensors are`} optimizer state: ${bytesText(bytes)}, ${share} % of the values`,
        layers: state.map((tensor) => tensor.name),
        fix: rest
          ? "convert leaves them out unless --keep-state says otherwise"
          : "the weights are in another file: this one only lets training go on",
      },
    ];
  },
};

function total(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, tensor) => {
    const count = tensor.shape.reduce((product, axis) => product * axis, 1);
    return sum + (isNumeric(tensor) ? count * itemsize(tensor.dtype) : 0);
  }, 0);
}
