import { keyOf, type Tokens } from "../layers/tokens.ts";
import { isSmall } from "./conv.ts";
import type { Entry } from "./entries.ts";
import { type Fit, type FitPlace, fitPlaces } from "./fit.ts";

/** Words before a block's number, where the convolution's own number is in a module below it. */
const blockWords = new Set(["block", "blocks", "convblock", "convpool", "stage", "group", "conv"]);
/** Words between the two numbers. */
const convWords = new Set(["conv", "convs", "bb", "convolution", "unit"]);
/** Words that say no more than that it is a convolution: extractor/conv1_1/conv. */
const plainWords = new Set(["conv", "conv2d", "convolution"]);
/** Paddle's vgg_face names blocks after their published widths. */
const blocksByWidths: ReadonlyMap<string, number> = new Map([
  ["3 64", 1],
  ["64 128", 2],
  ["128 256", 3],
  ["256 512", 4],
  ["512 512", 5],
]);

interface Named {
  /** What comes before the numbers: names of one network share it. */
  readonly prefix: Tokens;
  readonly form: string;
  readonly block: number;
  readonly index: number;
}

/** A reading of two numbers as block and convolution: conv3_2, block3_conv2, conv_block_3.conv2, block3.convs.1. */
function readPlace(tokens: Tokens): Named | undefined {
  const last = tokens.at(-1);
  const tail = typeof last === "string" && plainWords.has(last) ? tokens.slice(0, -1) : tokens;
  const n = tail.at(-1);
  if (typeof n !== "number") return undefined;
  const b = tail.at(-2);
  const word = tail.at(-3);
  if (typeof b === "number") {
    // A parent of the same block: vgg_16/conv1/conv1_1.
    if (typeof word !== "string") return undefined;
    const before = tail.slice(0, -3);
    const doubled = before.at(-1) === b && before.at(-2) === word;
    return { prefix: doubled ? before.slice(0, -2) : before, form: word, block: b, index: n };
  }
  if (typeof b !== "string" || typeof word !== "number") return byWidths(tail);
  const owner = tail.at(-4);
  if (convWords.has(b) && typeof owner === "string" && blockWords.has(owner)) {
    return { prefix: tail.slice(0, -4), form: `${owner} ${b}`, block: word, index: n };
  }
  return byWidths(tail);
}

function byWidths(tail: Tokens): Named | undefined {
  // vgg block 3 64 conv bn 0
  const [word, inputs, outputs, conv, bn, n] = tail.slice(-6);
  if (word !== "block" || conv !== "conv" || bn !== "bn" || typeof n !== "number") return undefined;
  const block = blocksByWidths.get(`${inputs} ${outputs}`);
  return block === undefined ? undefined : { prefix: tail.slice(0, -6), form: "widths", block, index: n };
}

/** Both numbers in one name, whatever its word is: c3_2; over two modules only conv says enough, as a stage may be anybody's. */
function inOneParent(named: Named | undefined, path: string): Named | undefined {
  if (named === undefined || named.form === "conv" || named.form.includes(" ") || named.form === "widths") return named;
  return /\d[_-]\d+(\/conv)?$/.test(path) ? named : undefined;
}

/** VGGish: block 1 is conv1 where block 3 has conv3/conv3_1. */
function readSingle(tokens: Tokens): Named | undefined {
  const [word, b] = tokens.slice(-2);
  return word === "conv" && typeof b === "number" ? { prefix: tokens.slice(0, -2), form: "conv", block: b, index: 1 } : undefined;
}

export interface LiteralFit extends Fit {
  readonly prefix: Tokens;
}

/** Every network of the file whose layers carry their places in their names. */
export function literalFits(entries: readonly Entry[]): readonly LiteralFit[] {
  const networks = new Map<string, { prefix: Tokens; places: Map<string, FitPlace> }>();
  const singles: (readonly [string, Entry, Named])[] = [];
  for (const entry of entries) {
    if (!isSmall(entry.conv) && entry.lone?.leaf !== "bias" && entry.lone?.leaf !== 1) continue;
    for (const tokens of entry.names) {
      const named = inOneParent(readPlace(tokens), entry.path);
      const single = named === undefined ? readSingle(tokens) : undefined;
      const place = named ?? single;
      if (place === undefined) continue;
      const key = `${keyOf(place.prefix)} | ${place.form}`;
      if (single !== undefined) {
        singles.push([key, entry, single]);
        continue;
      }
      const network = networks.get(key) ?? { prefix: place.prefix, places: new Map<string, FitPlace>() };
      networks.set(key, network);
      const id = `${place.block} ${place.index}`;
      if (network.places.get(id)?.entry?.conv === undefined) network.places.set(id, { block: place.block, index: place.index, entry });
    }
  }
  for (const [key, entry, { block, index }] of singles) {
    const network = networks.get(key);
    const taken = [...(network?.places.values() ?? [])].some((place) => place.block === block);
    if (network !== undefined && !taken) network.places.set(`${block} ${index}`, { block, index, entry });
  }
  return [...networks.values()].flatMap(({ prefix, places }) => {
    const fit = fitPlaces(fromOne([...places.values()]));
    return fit === undefined ? [] : [{ ...fit, prefix }];
  });
}

/** Numbers from 1, whichever they begin with. */
function fromOne(places: readonly FitPlace[]): readonly FitPlace[] {
  const block = places.some((place) => place.block === 0) ? 1 : 0;
  const index = places.some((place) => place.index === 0) ? 1 : 0;
  return places.map((place) => ({ ...place, block: place.block + block, index: place.index + index }));
}
