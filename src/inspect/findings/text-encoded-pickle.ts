import { itemsize } from "../../tensor/dtype.ts";
import { isNumeric } from "../../tensor/tensor.ts";
import type { Check } from "./check.ts";
import { bytesText, groupedDigits } from "./numbers.ts";

/** Python 3 writes bytes into pickle protocol 2 as latin-1 text in UTF-8: every byte of 128 and more takes two. */
export const textEncodedPickle: Check = {
  code: "text-encoded-pickle",
  title: "arrays stored as text, which makes the file about 1.4 times as large",
  needs: "headers",
  async run({ checkpoint }) {
    const tensors = [...checkpoint.tensors.values()].filter((tensor) => tensor.stored?.kind === "text");
    if (tensors.length === 0) return [];
    let elements = 0;
    let bytes = 0;
    for (const tensor of tensors) {
      const count = tensor.shape.reduce((product, axis) => product * axis, 1);
      elements += count;
      bytes += isNumeric(tensor) ? count * itemsize(tensor.dtype) : 0;
    }
    // What is not payload (names, opcodes) is small; it stays as it is in a file saved again.
    const ratio = bytes === 0 ? 1 : checkpoint.bytes / bytes;
    return [
      {
        code: "text-encoded-pickle",
        severity: "info",
        message: `${groupedDigits(elements)} values are ${bytesText(bytes)}, the file has ${bytesText(checkpoint.bytes)}, ${ratio.toFixed(2)} times as many: pickle protocol 2 written by Python 3 keeps bytes as text, where every byte above 127 takes two; saved again it has about ${bytesText(bytes)}`,
        layers: tensors.map((tensor) => tensor.name),
        fix: "save with protocol=4, or convert to safetensors; no value is lost either way",
      },
    ];
  },
};
