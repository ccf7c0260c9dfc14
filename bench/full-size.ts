/** A VGG-16 of full size with random weights, made on the spot, on each engine that is there: seconds and peak memory. See --help. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { DeviceRecord, VerifyRecord } from "../src/index.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string", multiple: true },
    device: { type: "string", default: "cpu" },
    runs: { type: "string", default: "3" },
    file: { type: "string" },
    "self-test": { type: "boolean" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`npx tsx bench/full-size.ts [--engine ID]… [--device cpu|cuda] [--runs N] [--file CHECKPOINT] [--self-test]
  Runs the built command (npm run build), each engine N times in processes of its own, and prints the least seconds and the largest
  peak. Engines that are not installed beside it are looked for in VGGTOOL_ENGINES. --file takes another checkpoint than the random one.
  --self-test runs each as often without the self-test, in turn, and prints the median of what it adds to the whole run.`);
  process.exit(0);
}

const command = fileURLToPath(new URL("../bin/vggtool", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "vggtool-full-size-"));
try {
  const file = values.file ?? randomVgg16(join(folder, "vgg16.safetensors"));
  const rows: string[][] = [];
  let reference: readonly number[] | undefined;
  for (const engine of values.engine ?? available(values.device)) {
    const added: number[] = [];
    const records = Array.from({ length: Number(values.runs) }, () => {
      const [record, seconds] = timed(() => verified(file, engine, values.device));
      if (values["self-test"]) {
        const [, without] = timed(() => verified(file, engine, values.device, "--no-self-test"));
        added.push((100 * (seconds - without)) / without);
      }
      return record;
    });
    const [first] = records;
    if (first === undefined) throw new Error("--runs is 1 or more");
    const least = (pick: (record: VerifyRecord) => number | undefined) => {
      const seconds = Math.min(...records.map((record) => pick(record) ?? Number.NaN));
      return Number.isNaN(seconds) ? "–" : seconds.toFixed(2);
    };
    const logits = first.logits.values.map(Number);
    reference ??= logits;
    const largest = Math.max(...reference.map(Math.abs));
    const apart = Math.max(...logits.map((value, k) => Math.abs(value - (reference?.[k] ?? Number.NaN)))) / largest;
    rows.push([
      `${engine} ${first.engine.version}`,
      first.engine.deviceName,
      least(({ seconds }) => seconds.load),
      least(({ seconds }) => seconds.first),
      least(({ seconds }) => seconds.warm),
      (Math.max(...records.map((record) => record.peakMemory)) / 1e9).toFixed(2),
      apart.toExponential(1),
      ...(values["self-test"] ? [`${median(added).toFixed(1)} %`] : []),
    ]);
  }
  const titles = ["engine", "device", "load, s", "first run, s", "warm run, s", "peak, GB", "logits against the first engine's"];
  if (values["self-test"]) titles.push("the self-test adds");
  for (const row of [titles, titles.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function available(device: string): readonly string[] {
  const record: { engines: readonly DeviceRecord[] } = JSON.parse(said(["verify", "--check-device", "--device", device, "--json"]));
  return record.engines.filter((found) => found.available).map((found) => found.engine);
}

function verified(file: string, engine: string, device: string, ...more: readonly string[]): VerifyRecord {
  return JSON.parse(said(["verify", file, "--engine", engine, "--device", device, "--input-size", "224x224x3", "--json", ...more]));
}

function timed<T>(work: () => T): readonly [result: T, seconds: number] {
  const started = performance.now();
  return [work(), (performance.now() - started) / 1000];
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

function said(args: readonly string[]): string {
  if (!existsSync(command)) throw new Error(`${command} is not there`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: "utf8", maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`vggtool ${args.join(" ")} ended with ${status}\n${stderr}${stdout}`);
  return stdout;
}

/** 138,357,544 float32 values under torchvision's names: uniform, of He's variance, so that activations neither die nor explode. */
function randomVgg16(path: string): string {
  const shapes: [name: string, shape: readonly number[]][] = [];
  let [inputs, index] = [3, 0];
  for (const [block, count] of [2, 2, 3, 3, 3].entries()) {
    const outputs = [64, 128, 256, 512, 512][block] ?? 0;
    for (let k = 0; k < count; k++) {
      shapes.push([`features.${index}.weight`, [outputs, inputs, 3, 3]], [`features.${index}.bias`, [outputs]]);
      inputs = outputs;
      index += 2;
    }
    index += 1;
  }
  for (const [number, outputs, from] of [
    [0, 4096, 25088],
    [3, 4096, 4096],
    [6, 1000, 4096],
  ] as const) {
    shapes.push([`classifier.${number}.weight`, [outputs, from]], [`classifier.${number}.bias`, [outputs]]);
  }
  let end = 0;
  const header = new Map(
    shapes.map(([name, shape]) => {
      const from = end;
      end += 4 * size(shape);
      return [name, { dtype: "F32", shape, data_offsets: [from, end] }] as const;
    }),
  );
  const json = JSON.stringify(Object.fromEntries(header));
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "wx");
  writeSync(file, length);
  writeSync(file, text);
  // xorshift32 (Marsaglia, 2003): 32 bits a step are enough for weights that only have to look random.
  let state = 2463534242;
  for (const [name, shape] of shapes) {
    const fan = size(shape.slice(1));
    const bound = name.endsWith("bias") ? 0.05 : Math.sqrt(6 / fan);
    const drawn = new Float32Array(size(shape));
    for (let k = 0; k < drawn.length; k++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      drawn[k] = (bound * state) / 2147483648;
    }
    writeSync(file, new Uint8Array(drawn.buffer));
  }
  closeSync(file);
  return path;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}
