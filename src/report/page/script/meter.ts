import { element } from "./dom.ts";

/** Decades that a bar covers, below 1. */
const DECADES = 6;

/** A bar on a logarithmic scale from 10⁻⁶ to 1; empty for 0, full for what is beyond. */
export function meter(value: number | string, bad: boolean): HTMLElement {
  const size = typeof value === "number" ? Math.abs(value) : value === "Infinity" ? 1 : 0;
  const share = size === 0 ? 0 : Math.max(0.02, Math.min(1, 1 + Math.log10(size) / DECADES));
  const bar = element("span", {});
  bar.style.width = `${(100 * share).toFixed(1)}%`;
  return element("span", { class: bad ? "meter bad" : "meter", attributes: { "aria-hidden": "true" } }, bar);
}
