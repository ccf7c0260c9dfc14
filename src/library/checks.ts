import { CheckpointError } from "../errors.ts";
import { brief } from "../text/brief.ts";
import { nearest } from "../text/nearest.ts";

/** What the value of an option has to be. */
export interface OptionCheck {
  /** Completes "needed …". */
  readonly needed: string;
  holds(value: unknown): boolean;
}

/** The checks of all options of a verb: the compiler asks for each of its type. */
export type Checks<Options> = { readonly [Name in keyof Required<Options>]: OptionCheck };

export const text: OptionCheck = { needed: "a text", holds: (value) => typeof value === "string" };
export const flag: OptionCheck = { needed: "true or false", holds: (value) => typeof value === "boolean" };
export const anything: OptionCheck = { needed: "a value", holds: () => true };
export const record: OptionCheck = { needed: "an object", holds: (value) => typeof value === "object" && value !== null };
export const callback: OptionCheck = { needed: "a function", holds: (value) => typeof value === "function" };
export const texts: OptionCheck = {
  needed: "a list of texts",
  holds: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};
export const textOrTexts: OptionCheck = { needed: "a text or a list of texts", holds: (value) => text.holds(value) || texts.holds(value) };
export const abortSignal: OptionCheck = { needed: "an AbortSignal", holds: (value) => value instanceof AbortSignal };
export const notNegative: OptionCheck = {
  needed: "a number that is not negative",
  holds: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
};
export const wholeNumber: OptionCheck = {
  needed: "a whole number from 0",
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
export const countingNumber: OptionCheck = {
  needed: "a whole number from 1",
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
};
export const wholeNumbers: OptionCheck = {
  needed: "a list of whole numbers",
  holds: (value) => Array.isArray(value) && value.every((item) => wholeNumber.holds(item)),
};
export const pairOfTexts: OptionCheck = {
  needed: "a list of two texts",
  holds: (value) => texts.holds(value) && Array.isArray(value) && value.length === 2,
};
/** Height and width, and the channels where they are known. */
export const pictureSize: OptionCheck = {
  needed: "[height, width] in pixels, as [224, 224]",
  holds: (value) =>
    Array.isArray(value) &&
    (value.length === 2 || value.length === 3) &&
    value.every((item, k) => countingNumber.holds(item) || (k === 2 && item === undefined)),
};
export const checkpoint: OptionCheck = {
  needed: "a path, a URL, bytes (Uint8Array, Blob, { byteLength, slice }) or an open checkpoint",
  holds: (value) =>
    typeof value === "string" ||
    value instanceof URL ||
    value instanceof Uint8Array ||
    value instanceof Blob ||
    (typeof value === "object" && value !== null && "tensors" in value && "close" in value) ||
    isSliceable(value),
};

function isSliceable(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("byteLength" in value) || !("slice" in value)) return false;
  return Number.isSafeInteger(value.byteLength) && Number(value.byteLength) >= 0 && typeof value.slice === "function";
}

export function oneOf(choices: readonly string[]): OptionCheck {
  return { needed: `one of ${choices.join(", ")}`, holds: (value) => typeof value === "string" && choices.includes(value) };
}

/** One of them, or a list of several. */
export function oneOrSeveral(choices: readonly string[]): OptionCheck {
  const one = oneOf(choices);
  return {
    needed: `${one.needed}, or a list of them`,
    holds: (value) => (Array.isArray(value) ? value.every(one.holds) : one.holds(value)),
  };
}

/** How a file is read that does not say it itself. */
export const readingChecks = {
  kernels: oneOf(["as-stored", "rotated"]),
  moments: oneOf(["sigma", "variance"]),
  flatten: oneOf(["chw", "hwc"]),
  dropoutFactor: notNegative,
} as const;

/** Throws `usage` for options that the verb does not have, and for values that its options do not take. */
export function checkOptions<Options extends object>(verb: string, options: Options, checks: Checks<Options>): void {
  if (typeof options !== "object" || options === null) throw new CheckpointError("usage", `${verb} was given options that are no object`);
  const known = new Map<string, OptionCheck>(Object.entries(checks));
  for (const [name, value] of Object.entries(options)) {
    const check = known.get(name);
    if (check === undefined) throw unknownOption(verb, name, [...known.keys()]);
    if (value !== undefined && !check.holds(value))
      throw new CheckpointError("usage", `the option ${name} of ${verb} is ${brief(value)}, needed ${check.needed}`);
  }
}

/** Throws `usage` for an input that is none of what a checkpoint is opened from. */
export function checkInput(verb: string, input: unknown): void {
  if (!checkpoint.holds(input)) throw new CheckpointError("usage", `${verb} was given ${brief(input)}, needed ${checkpoint.needed}`);
}

function unknownOption(verb: string, name: string, known: readonly string[]): CheckpointError {
  const near = nearest(name, known);
  return new CheckpointError("usage", `${verb} has no option ${name}; it has ${[...known].sort().join(", ")}`, {
    ...(near !== undefined && { hint: `did you mean ${near}?` }),
  });
}
