import { CheckpointError, type ErrorCode, type ErrorWhere } from "../errors.ts";

/** Options of a conversion that lead on from a refusal, by their names in the library; undefined: the option is left out. */
export interface WayOptions {
  /** Patterns. */
  readonly exclude?: readonly string[];
  readonly foldBn?: true | undefined;
  readonly noTop?: true | undefined;
  readonly swapRgb?: undefined;
  readonly allowMissing?: true;
  readonly numClasses?: number | undefined;
  readonly init?: "normal";
  readonly fc?: "dense" | "conv" | undefined;
  readonly dtype?: "float32" | undefined;
  readonly naming?: string | undefined;
  readonly to?: string;
  readonly layout?: string;
  readonly part?: "body" | undefined;
  readonly useAverage?: undefined;
  readonly inputSize?: readonly [height: number, width: number, channels: number];
}

/** One way on: what to add, and the words around it. */
export interface Way {
  readonly options: WayOptions;
  /** The line of advice around options that are written out. */
  readonly say: (options: string) => string;
  /** Why it is needed, where it follows on another; the refusal's own sentence when absent. */
  readonly why?: string;
  /** Said at the end of the sentence, not in the hint. */
  readonly mentioned?: true;
}

/**
 * A conversion that is refused, with the ways on from there. `advised` of convert/advise.ts tries them before a person reads of them; where
 * nobody does, the hint names them as they are.
 */
export class Refusal extends CheckpointError {
  readonly ways: readonly Way[];
  /** The sentence without the ways that it mentions. */
  readonly found: string;

  constructor(code: ErrorCode, found: string, ways: readonly Way[], where: ErrorWhere = {}) {
    const { mentions, hint } = written(ways, ({ say, options }) => say(optionsText(options)));
    super(code, [found, ...mentions].join("; "), hint === "" ? where : { hint, ...where });
    this.ways = ways;
    this.found = found;
  }

  override at(where: ErrorWhere): Refusal {
    return new Refusal(this.code, this.found, this.ways, { ...where, ...this.where });
  }
}

/** What is said of ways: at the end of the sentence, and in the hint. `line` gives undefined for those that lead nowhere. */
export function written(ways: readonly Way[], line: (way: Way) => string | undefined) {
  const lines = (mentioned: boolean): readonly string[] =>
    ways.flatMap((way) => ((way.mentioned === true) === mentioned ? (line(way) ?? []) : []));
  return { mentions: lines(true), hint: lines(false).join("; ") };
}

/** The way that adds options and needs no more words. */
export function adding(options: WayOptions, why?: string): Way {
  return { options, say: (text) => `add ${text}`, ...(why === undefined ? {} : { why }) };
}

/** Options that a way on may leave out. */
export type LeftOut = "dtype" | "fc" | "foldBn" | "naming" | "noTop" | "numClasses" | "part" | "swapRgb" | "useAverage";

/** The way that leaves an option out. */
export function leavingOut(name: LeftOut): Way {
  const option = optionName(name);
  return { options: { [name]: undefined }, say: (more) => `leave ${option} out${more === "" ? "" : ` and add ${more}`}` };
}

/** An option as it is typed. */
export function optionName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Options as a shell takes them. Those that are left out have no text. */
export function optionsText(options: WayOptions): string {
  const { exclude = [], inputSize, init, ...others } = options;
  const flags = Object.entries({ ...others, init }).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [value === true ? optionName(name) : `${optionName(name)} ${value}`];
  });
  const size = inputSize === undefined ? [] : [`--input-size ${inputSize.join("x")}`];
  return [...exclude.map((pattern) => `--exclude ${quoted(pattern)}`), ...flags, ...size].join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
