import { convs, dense, lines } from "../made.ts";
import type { MadeLayer } from "../spell.ts";

export interface NoVgg {
  readonly name: string;
  readonly layers: readonly MadeLayer[];
}

/* Families of networks that are no VGG, by their sizes, with the names that PyTorch gives their layers. */

export const row = (name: string, ...layers: readonly (readonly MadeLayer[])[]): NoVgg => ({ name, layers: layers.flat() });
export const range = (count: number): readonly number[] => [...Array(count).keys()];
export const times = (count: number, make: (n: number) => readonly MadeLayer[]): readonly MadeLayer[] => range(count).flatMap(make);
export const prefixed = (prefix: string, layers: readonly MadeLayer[]): readonly MadeLayer[] =>
  layers.map((layer) => ({ ...layer, path: `${prefix}${layer.path}` }));

/** Two 3×3 (basic), or 1×1, 3×3, 1×1 to a block, in four stages. */
export function resnet(name: string, depths: readonly number[], bottleneck: boolean, width = 64): NoVgg {
  const expansion = bottleneck ? 4 : 1;
  let inputs = width;
  const stages = depths.flatMap((depth, stage) =>
    times(depth, (n) => {
      const inner = width * 2 ** stage;
      const outputs = inner * expansion;
      const at = `layer${stage + 1}.${n}`;
      const sizes = bottleneck
        ? [
            [inputs, inner, 1],
            [inner, inner, 3],
            [inner, outputs, 1],
          ]
        : [
            [inputs, inner, 3],
            [inner, inner, 3],
          ];
      const shortcut =
        inputs === outputs ? [] : lines(`-${at}.downsample.0 conv ${inputs} ${outputs} 1; ${at}.downsample.1 norm ${outputs}`);
      inputs = outputs;
      return [
        ...sizes.flatMap(([i, o, k], c) => lines(`-${at}.conv${c + 1} conv ${i} ${o} ${k}; ${at}.bn${c + 1} norm ${o}`)),
        ...shortcut,
      ];
    }),
  );
  return row(name, lines(`-conv1 conv 3 ${width} 7; bn1 norm ${width}`), stages, dense("fc", inputs, 1000));
}

/** Two convolutions to a step down, a transposed one and two to a step up. */
export function unet(
  name: string,
  width: number,
  depth: number,
  words: { readonly down: string; readonly up: string },
  norm: boolean,
  bilinear = false,
): NoVgg {
  const pair = (path: string, inputs: number, outputs: number): readonly MadeLayer[] =>
    norm
      ? lines(
          `-${path}.0 conv ${inputs} ${outputs} 3; ${path}.1 norm ${outputs}; -${path}.3 conv ${outputs} ${outputs} 3; ${path}.4 norm ${outputs}`,
        )
      : lines(`${path}.0 conv ${inputs} ${outputs} 3; ${path}.2 conv ${outputs} ${outputs} 3`);
  const widthAt = (n: number): number => width * 2 ** n;
  const down = times(depth, (n) => pair(words.down.replace("{n}", String(n + 1)), n === 0 ? 3 : widthAt(n - 1), widthAt(n)));
  const up = times(depth - 1, (n) => {
    const [from, to] = [widthAt(depth - 1 - n), widthAt(depth - 2 - n)];
    const path = words.up.replace("{n}", String(n + 1));
    return [
      ...lines(bilinear ? `${path}.up conv ${from} ${to} 1` : `${path}.up deconv ${from} ${to} 2`),
      ...pair(`${path}.conv`, 2 * to, to),
    ];
  });
  return row(name, down, up, lines(`outc conv ${width} 2 1`));
}

/** A U-Net whose convolutions are numbered by step: conv1_1, conv1_2 … conv9_2. */
export function numberedUnet(name: string, width: number, word: string): NoVgg {
  const steps = [0, 1, 2, 3, 4, 3, 2, 1, 0].map((step) => width * 2 ** step);
  return row(
    name,
    steps.flatMap((outputs, n) => {
      const inputs = n === 0 ? 1 : n > 4 ? 2 * outputs : (steps[n - 1] ?? 1);
      return lines(`${word}${n + 1}_1 conv ${inputs} ${outputs} 3; ${word}${n + 1}_2 conv ${outputs} ${outputs} 3`);
    }),
    lines(`${word}10 conv ${width} 1 1`),
  );
}

export function transformer(
  name: string,
  depth: number,
  width: number,
  words: { readonly block: string; readonly patch?: number; readonly biases?: string },
): NoVgg {
  return row(
    name,
    words.patch === undefined
      ? lines(`embeddings.word raw 30522 ${width}`)
      : lines(`patch_embed.proj conv 3 ${width} ${words.patch}; cls_token raw 1 1 ${width}`),
    times(depth, (n) => {
      const at = words.block.replace("{n}", String(n));
      const biases = words.biases === undefined ? [] : words.biases.split(" ").flatMap((bias) => lines(`${at}.attn.${bias} raw ${width}`));
      return [
        ...lines(`${at}.norm1 affine ${width}; -${at}.attn.qkv dense ${width} ${3 * width}; ${at}.attn.proj dense ${width} ${width}`),
        ...biases,
        ...lines(`${at}.norm2 affine ${width}; ${at}.mlp.fc1 dense ${width} ${4 * width}; ${at}.mlp.fc2 dense ${4 * width} ${width}`),
      ];
    }),
    lines(`norm affine ${width}`),
    dense("head", width, 1000),
  );
}

/** Convolutions with pools between them, and dense layers behind: the networks of courses. */
export function course(name: string, conv: string, widths: readonly number[], head: string, ...sizes: readonly number[]): NoVgg {
  return row(name, convs(conv, 3, widths), dense(head, ...sizes));
}
