import { expect, test } from "vitest";
import { sparkline } from "../../src/report/sparkline.ts";
import { displayWidth } from "../../src/report/width.ts";

test("eight signs of as many bins each, by the square roots of their counts", () => {
  expect(sparkline([0, 1, 4, 9, 16, 25, 36, 64])).toBe(" ▂▃▄▅▆▇█");
  expect(sparkline(Array.from({ length: 64 }, (_, k) => (k < 32 ? 1 : 0)))).toBe("████    ");
});

test("few bins are few signs, and none are none", () => {
  expect(sparkline([1, 100])).toBe("▁█");
  expect(sparkline([7])).toBe("█");
  expect(sparkline([])).toBe("");
});

test("each takes one column of a terminal", () => {
  expect(displayWidth("▁▂▃▄▅▆▇█")).toBe(8);
});
