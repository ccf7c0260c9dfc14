import stringWidth from "string-width";
import { expect, test } from "vitest";
import { displayWidth } from "../../src/report/width.ts";

test("letters of Japanese, Chinese and Korean take two columns, those of Europe one", () => {
  expect(displayWidth("conv1_1.weight")).toBe(14);
  expect(displayWidth("Łukasz Φ Жук")).toBe(12);
  expect(displayWidth("名前_みほん")).toBe(11);
  expect(displayWidth("한국 3 × 3")).toBe(10);
});

test("the longest line of several counts", () => {
  expect(displayWidth("fc6\n名前\nfc")).toBe(4);
});

/** Every character of the scripts of Europe, every thirteenth behind them: the library takes 0.2 ms for one. */
const step = (unit: number): number => (unit < 0x600 ? 1 : 13);

test("characters of the Basic Multilingual Plane have the width that the library gives them, alone and beside others", () => {
  const differing: string[] = [];
  for (let unit = 0x20; unit < 0xffff; unit += step(unit)) {
    const char = String.fromCharCode(unit);
    for (const text of [char, `a${char}`, `名${char}`, `${char}한`]) {
      if (displayWidth(text) !== stringWidth(text)) differing.push(unit.toString(16));
    }
  }
  expect(differing).toEqual([]);
});
