const steps = "▁▂▃▄▅▆▇█";

/** Columns of the terminal that a sparkline takes. */
const CELLS = 8;

/** A histogram in eight signs. Heights are square roots of counts, so that the tails are seen; a space where nothing is. */
export function sparkline(counts: readonly number[]): string {
  const cells = Math.min(CELLS, counts.length);
  const sums = Array.from({ length: cells }, (_, k) => {
    const [from, to] = [Math.floor((k * counts.length) / cells), Math.floor(((k + 1) * counts.length) / cells)];
    return counts.slice(from, to).reduce((sum, count) => sum + count, 0);
  });
  const most = Math.max(...sums);
  return sums
    .map((sum) => (sum === 0 ? " " : steps[Math.min(steps.length - 1, Math.floor(Math.sqrt(sum / most) * steps.length))]))
    .join("");
}
