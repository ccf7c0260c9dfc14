import { expect, test } from "vitest";
import { crc32, ownCrc32 } from "../../src/encodings/checksum/crc32.ts";
import { crc32c, maskCrc, unmaskCrc } from "../../src/encodings/checksum/crc32c.ts";

test("check values of RFC 3720, appendix B.4", () => {
  const up = Uint8Array.from({ length: 32 }, (_, k) => k);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(up)).toBe(0x46dd794e);
  expect(crc32c(up.slice().reverse())).toBe(0x113fdb5c);
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
});

test("CRC-32 is that of zip files, zlib's and our own", () => {
  const bytes = Uint8Array.from({ length: 40_000 }, (_, k) => (k * 37) % 251);
  for (const crc of [crc32, ownCrc32]) {
    expect(crc(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc(bytes.subarray(20_001), crc(bytes.subarray(0, 20_001)))).toBe(crc32(bytes));
  }
});

test("is the same from any alignment and in any pieces", () => {
  const bytes = Uint8Array.from({ length: 103 }, (_, k) => (k * 37) % 251);
  const whole = crc32c(bytes);
  for (let shift = 0; shift < 9; shift++) {
    const moved = new Uint8Array(112);
    moved.set(bytes, shift);
    expect(crc32c(moved.subarray(shift, shift + 103))).toBe(whole);
  }
  for (let cut = 0; cut <= bytes.length; cut++) expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(whole);
});

test("long arrays, which a kernel takes, come out as their short pieces do", () => {
  const bytes = Uint8Array.from({ length: 300_007 }, (_, k) => (k * k + (k >>> 7)) % 251);
  for (const length of [16383, 16384, 16399, 114_688, 114_689, 300_000]) {
    const part = bytes.subarray(7, 7 + length);
    let wanted = 5;
    for (let at = 0; at < length; at += 1000) wanted = crc32c(part.subarray(at, at + 1000), wanted);
    expect(crc32c(part, 5)).toBe(wanted);
  }
});

test("masking rotates right by 15 bits and adds the constant", () => {
  expect(maskCrc(0)).toBe(0xa282ead8);
  expect(maskCrc(1)).toBe((0x00020000 + 0xa282ead8) >>> 0);
  for (const crc of [0, 1, 0xffffffff, 0xe3069283]) expect(unmaskCrc(maskCrc(crc))).toBe(crc);
});
