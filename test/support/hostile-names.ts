/** Keys that a page, a terminal or a table might stumble over. */
export const hostileNames: readonly string[] = [
  "</script><script>document.title='ran'</script>",
  "<img src=x onerror=\"document.title='ran'\">",
  "<!--<script>",
  "\u202edesrever\u001b[31m\u0000",
  "javascript:document.title='ran'",
  "__proto__",
  "\u2028\u2029",
  "x".repeat(10_000_000),
];

/** A safetensors file with one value under each of them. */
export function hostileCheckpoint(): Uint8Array<ArrayBuffer> {
  const entries = hostileNames.map((name, k) => [name, { dtype: "F32", shape: [1], data_offsets: [4 * k, 4 * k + 4] }] as const);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const file = new Uint8Array(8 + header.length + 4 * hostileNames.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  return file;
}
