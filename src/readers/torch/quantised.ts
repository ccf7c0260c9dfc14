import { dequantised, vectorNumbers } from "../../tensor/dequantised.ts";
import { type NumericTensor, type Tensor, withInfo } from "../../tensor/tensor.ts";
import { type Quantiser, TorchTensor, type UnsupportedRecord } from "./records.ts";

/** Makes the tensor of a record; undefined for kinds that are not read. */
export type Maker = (record: TorchTensor) => Promise<NumericTensor | undefined>;

/** The real numbers behind a quantised tensor, where its scales can be read and are as many as they have to be. */
export async function realTensor(tensor: NumericTensor, quantiser: Quantiser, make: Maker): Promise<NumericTensor | UnsupportedRecord> {
  const { axis } = quantiser;
  const count = axis === undefined ? 1 : (tensor.shape[axis] ?? 0);
  const scales = await numbers(quantiser.scales, count, make);
  const zeroPoints = await numbers(quantiser.zeroPoints, count, make);
  const real =
    scales === undefined || zeroPoints === undefined
      ? undefined
      : dequantised(tensor, { axis, read: async () => ({ scales: await scales(), zeroPoints: await zeroPoints() }) });
  return real ?? { unsupported: "a quantised tensor with other scales than its shape needs" };
}

/** A quantised module keeps scale and zero point of what it makes, `X.scale` and `X.zero_point` (`X_scale_0`, by FX): no parameters. */
export function markScales(tensors: Map<string, Tensor>): void {
  for (const [name, tensor] of tensors) {
    const [, of, number] = /^(.*)zero_point(_\d+)?$/.exec(name) ?? [];
    const scale = of === undefined ? undefined : tensors.get(`${of}scale${number ?? ""}`);
    if (scale === undefined || ![scale, tensor].every(({ shape }) => shape.every((size) => size === 1))) continue;
    for (const one of [scale, tensor]) tensors.set(one.name, withInfo(one, { kind: "bookkeeping" }));
  }
}

async function numbers(
  given: readonly number[] | TorchTensor,
  count: number,
  make: Maker,
): Promise<(() => Promise<ArrayLike<number>>) | undefined> {
  if (!(given instanceof TorchTensor)) return given.length === count ? async () => given : undefined;
  const tensor = await make(given);
  const there = tensor?.shape.reduce((product, size) => product * size, 1);
  return tensor === undefined || there !== count ? undefined : () => vectorNumbers(tensor);
}
