import type { Check } from "./check.ts";
import { type FirstDense, firstDense } from "./first-dense.ts";
import { measureOrders } from "./flatten-orders.ts";
import type { Correlation } from "./neighbours.ts";

/** When one order is taken for the true one: clear of zero, of the noise, and of the other order. */
const CLEAR = 0.02;
const NOISES = 5;
const TIMES = 3;

/**
 * Weights of the first dense layer that belong to neighbouring places of one channel are alike once a network is trained,
 * and only if its inputs are flattened in the order that they are read in: 0.08–0.37 in the true order, 0.00–0.03 in the
 * other (small networks on digits, one epoch to ten). Silent where neither order is clearly the true one.
 */
export const layoutSuspect: Check = {
  code: "layout-suspect",
  title: "a first dense layer whose rows seem to be in another order than its layout says",
  needs: "values",
  async run({ checkpoint, identity, ctx }) {
    const dense = firstDense(checkpoint, identity);
    const found = dense === undefined ? undefined : await measureOrders(dense, ctx);
    if (dense === undefined || found === undefined) return [];
    const { asRead, asOther, other } = found;
    if (!isClear(asOther, asRead)) return [];
    return [
      {
        code: "layout-suspect",
        severity: "warning",
        message: `${describe(dense, asRead, asOther, other)}`,
        layers: [dense.layer],
        fix: `if the network was trained with inputs flattened as (${other}), say so with --map: the tensor's axes are "${dense.axes.text.replace(dense.order, other)}"`,
      },
    ];
  },
};

function isClear(best: Correlation, rest: Correlation): boolean {
  const noise = Math.hypot(best.noise, rest.noise);
  return best.value > CLEAR && best.value > TIMES * Math.abs(rest.value) && best.value - rest.value > NOISES * noise;
}

function describe(dense: FirstDense, asRead: Correlation, asOther: Correlation, other: string): string {
  const ratio = asOther.value / Math.max(Math.abs(asRead.value), asRead.noise);
  const sure = asOther.value > 4 * CLEAR && ratio > 2 * TIMES ? "nearly certain" : "likely";
  return (
    `${dense.layer} is read as (${dense.order}), but weights of neighbouring places correlate with ${asOther.value.toFixed(3)} in the order (${other}) ` +
    `and with ${asRead.value.toFixed(3)} in this one (noise ${Math.max(asOther.noise, asRead.noise).toFixed(3)}, ratio ${ratio.toFixed(0)}): ${sure}`
  );
}
