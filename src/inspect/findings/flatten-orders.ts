import type { Context } from "../../io/context.ts";
import { loadView } from "../../tensor/load.ts";
import { slice, view } from "../../tensor/view.ts";
import type { FirstDense } from "./first-dense.ts";
import { type Correlation, neighbourCorrelation } from "./neighbours.ts";

/** So many weights tell as much as all of them (fc6 of VGG-16: the rows of 83 outputs). */
const SAMPLE = 2 ** 21;
/** Fewer places have too few neighbours; fewer outputs no spread to measure the noise from. */
const FEWEST_PLACES = 9;
const FEWEST_OUTPUTS = 4;

/** How much weights of neighbouring places are alike under both orders of flattening. */
export interface FlattenOrders {
  readonly asRead: Correlation;
  readonly asOther: Correlation;
  readonly other: "i h w" | "h w i";
}

/** Undefined for layers too small to tell. */
export async function measureOrders(dense: FirstDense, ctx: Context): Promise<FlattenOrders | undefined> {
  if (dense.places < FEWEST_PLACES || dense.channels < 2) return undefined;
  const { axes, tensor, sizes, channels, places } = dense;
  const whole = await view(tensor, axes, sizes);
  const outputs = whole.shape[whole.axes.indexOf("o")] ?? 0;
  if (outputs < FEWEST_OUTPUTS) return undefined;
  const sample = slice(whole, "o", 0, Math.min(outputs, Math.max(FEWEST_OUTPUTS, Math.floor(SAMPLE / (channels * places)))));
  const rows = await loadView(sample, `o (${dense.order})`, ctx);
  const shape = { channels, places, width: dense.width };
  const other = dense.order === "i h w" ? "h w i" : "i h w";
  return { asRead: neighbourCorrelation(rows, dense.order, shape), asOther: neighbourCorrelation(rows, other, shape), other };
}
