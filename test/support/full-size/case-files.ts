import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fixtures } from "../paths.ts";
import { convBlocks } from "./networks.ts";
import { type Shapes, writeTextPickle, writeTorchZip } from "./pickle-files.ts";

/** The six tensors of the Paddle network whose convolutions were never registered; bytes as text, 599 MiB. */
export function writeQuestion(path: string): void {
  const shapes: Shapes = [
    ["fc1.weight", [25088, 4096]],
    ["fc1.bias", [4096]],
    ["fc2.weight", [4096, 1024]],
    ["fc2.bias", [1024]],
    ["fc3.weight", [1024, 128]],
    ["fc3.bias", [128]],
  ];
  writeTextPickle(path, shapes, 1.4663);
}

/** torchvision's vgg11 … vgg19_bn, 1000 classes. */
export function writeTorchvision(path: string, depth: 11 | 13 | 16 | 19, batchNorm: boolean): void {
  const shapes: (readonly [string, readonly number[]])[] = [];
  let at = 0;
  for (const block of convBlocks(depth)) {
    for (const { inputs, outputs } of block) {
      shapes.push([`features.${at}.weight`, [outputs, inputs, 3, 3]], [`features.${at}.bias`, [outputs]]);
      if (batchNorm) {
        for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes.push([`features.${at + 1}.${part}`, [outputs]]);
      }
      at += batchNorm ? 3 : 2;
    }
    at++;
  }
  for (const [place, inputs, outputs] of [
    [0, 25088, 4096],
    [3, 4096, 4096],
    [6, 4096, 1000],
  ] as const) {
    shapes.push([`classifier.${place}.weight`, [outputs, inputs]], [`classifier.${place}.bias`, [outputs]]);
  }
  writeTorchZip(path, shapes);
}

/** One of Keras' files without values, unpacked. */
export function unpackKeras(name: string, path: string): void {
  writeFileSync(path, gunzipSync(readFileSync(join(fixtures, "cases", `keras-${name}.h5.gz`))));
}
