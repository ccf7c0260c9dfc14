/** The main job on shipped fixtures: inspect, convert, verify. Prints each command and what it answers. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const demo = join("fixtures", "demo");
const out = mkdtempSync(join(tmpdir(), "vggtool-demo-"));

/** Title, arguments, the exit code that is right. */
const steps = [
  [
    "A Paddle state dict whose convolutions were never registered: what is missing?",
    ["inspect", join(demo, "vgg_face_question.pdparams")],
    0,
  ],
  ["A MatConvNet file: what is in it?", ["inspect", join(demo, "vgg_face.mat"), "--filter", "*layers{3?}*"], 0],
  ["To safetensors, under canonical names.", ["convert", join(demo, "vgg_face.mat"), "-o", join(out, "vgg_face.safetensors")], 0],
  [
    "To a TensorFlow checkpoint that tf-slim's own vgg_16 restores.",
    ["convert", join(demo, "vgg16.pdparams"), "--to", "tfslim", "--input-size", "64x96x3", "-o", join(out, "vgg_16.ckpt")],
    0,
  ],
  [
    "Does the converted network compute what the original computes, layer by layer?",
    ["verify", join(demo, "vgg_face.mat"), join(out, "vgg_face.safetensors"), "--input", join(demo, "input.npy")],
    0,
  ],
  [
    "And what NumPy computed in float64?",
    ["verify", join(out, "vgg_16.ckpt"), "--input", join(demo, "input.npy"), "--expect", join(demo, "logits.npy")],
    0,
  ],
];

let failed = 0;
for (const [title, args, expected] of steps) {
  console.log(`\n# ${title}\n$ vggtool ${args.map((arg) => (arg.startsWith(out) ? arg.slice(out.length + 1) : arg)).join(" ")}`);
  const run = spawnSync(process.execPath, [join(root, "bin", "vggtool"), ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.stdout.write(`${run.stdout}${run.stderr}`.replaceAll(`${out}/`, ""));
  if (run.status !== expected) {
    failed += 1;
    console.log(`exit code ${run.status}, expected ${expected}`);
  }
}
rmSync(out, { recursive: true });
console.log(failed === 0 ? "\nAll steps did what they should." : `\n${failed} steps failed.`);
process.exitCode = failed === 0 ? 0 : 1;
