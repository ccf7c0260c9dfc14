import type { Readings } from "../model/readings.ts";
import type { NumericDType } from "../tensor/dtype.ts";

/** What a person may ask of a conversion; absent fields take the defaults of the command-line contract. */
export interface ConvertOptions extends Readings {
  /** One of the targets; safetensors when absent. */
  readonly to?: string;
  /** Exact: a file, a prefix (tfslim), a folder (tfjs). */
  readonly out?: string;
  /** A scheme's id or "keep". */
  readonly naming?: string;
  /** A scheme's id or "keep". */
  readonly layout?: string;
  /** reduced: SSD's sub-sampled fc6 and fc7. */
  readonly fc?: "dense" | "conv" | "reduced";
  readonly exclude?: readonly string[];
  /** `body`: the tensors that have a role; `rest`: all others; else the prefix of one of the file's networks. */
  readonly part?: string;
  /** Keys of the tensors that take part; `part` chooses them. */
  readonly only?: ReadonlySet<string>;
  readonly include?: readonly string[];
  readonly noTop?: boolean;
  /** A new last layer with this many outputs. */
  readonly numClasses?: number;
  readonly init?: "zeros" | "normal";
  readonly seed?: number;
  readonly foldBn?: boolean;
  readonly swapRgb?: boolean;
  readonly dtype?: NumericDType;
  /** Bytes. */
  readonly maxShardSize?: number;
  readonly inputSize?: readonly [height: number, width: number, channels?: number | undefined];
  readonly bnEpsilon?: number;
  readonly useAverage?: boolean;
  readonly keepState?: boolean;
  readonly allowMissing?: boolean;
  /** Compare the written files with the source before they appear; true when absent. */
  readonly check?: boolean;
  readonly force?: boolean;
  /** Return when the output is on the disk; what replaces another file is waited for in any case. */
  readonly durable?: boolean;
  /** Write what the format has no room for into `OUT.vggtool.json`; true when absent. */
  readonly sidecar?: boolean;
  readonly dryRun?: boolean;
  /** Deflate what the format can deflate (npz, MatConvNet v7). */
  readonly compress?: boolean;
  /** A parsed `--map` file: moves by hand, or a plan that was printed and edited. */
  readonly map?: unknown;
}

/** What a conversion takes unless set otherwise, for `--init normal`: He's standard deviation, and this seed. */
export const defaultSeed = 0;
