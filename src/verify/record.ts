/** What `verify` answers; `--json` prints it as it is (docs/cli.md, "verify"). Numbers that are not finite become strings there. */
export interface VerifyRecord {
  readonly schema: "vggtool/verify/1";
  readonly pass: boolean;
  readonly file: string;
  /** What it was compared with: another checkpoint, or expected values; null where nothing was. */
  readonly other: string | null;
  readonly engine: EngineRecord;
  readonly input: InputRecord;
  /** null where nothing was compared. */
  readonly tolerance: ToleranceRecord | null;
  /** Of several engines: what each run after the first gave, against the first; absent where one engine ran. */
  readonly runs?: readonly RunRecord[];
  /** In forward order. Of several engines, the numbers are over all runs. */
  readonly layers: readonly LayerResult[];
  /** The first layer that did not pass; its inputs agree. */
  readonly firstDivergence: string | null;
  /** Why it differs, in sentences; empty where nothing was found out. */
  readonly diagnosis: readonly string[];
  /** The last layer before any activation; feature maps where the network has no head. */
  readonly logits: LayerValues;
  readonly top: readonly TopEntry[];
  /** Outputs of the layer that was asked for as a descriptor. */
  readonly descriptor?: LayerValues;
  /** How far two pictures' descriptors are apart. */
  readonly pair?: PairRecord;
  readonly seconds: SecondsRecord;
  /** Largest resident size of the process so far, in bytes. */
  readonly peakMemory: number;
  /** What was assumed, chosen or left out: sentences. */
  readonly notes: readonly string[];
}

export interface EngineRecord {
  readonly name: string;
  readonly version: string;
  /** gpu: one that is not reached through CUDA; webgpu: an adapter that the engine does not name, a GPU or not. */
  readonly device: "cpu" | "cuda" | "gpu" | "webgpu";
  readonly deviceName: string;
  /** Different layers of the network that it computed as float64 does, and the largest error of them over the layer's largest value; null: not tested. */
  readonly selfTest: { readonly layers: number; readonly largestError: number } | null;
}

export interface RunRecord {
  readonly file: string;
  readonly engine: EngineRecord;
  /** The largest maxAbs / max|b| of any layer. */
  readonly maxRel: number;
  readonly firstDivergence: string | null;
  /** Load and run. */
  readonly seconds: number;
}

export interface InputRecord {
  /** N C H W. */
  readonly shape: readonly number[];
  /** File name, or "generated, seed 0". */
  readonly source: string;
  /** Of each picture, in the order of the batch; absent where they have no names. */
  readonly pictures?: readonly string[];
}

export interface PairRecord {
  readonly pictures: readonly [string, string];
  /** Whose outputs were compared, after its ReLU. */
  readonly layer: string;
  /** 1 − cosine: 0 for the same direction, 1 for none in common. */
  readonly cosineDistance: number;
  /** Of the descriptors scaled to length 1. */
  readonly euclideanDistance: number;
}

export interface ToleranceRecord {
  readonly rtol: number;
  readonly atol: number;
  /** A sentence. */
  readonly reason: string;
  /** rtol of each layer, where they are not all the same; `rtol` is the largest then. */
  readonly layers?: Readonly<Record<string, number>>;
}

export interface LayerResult {
  readonly role: string;
  /** Batch first, N C H W. */
  readonly shape: readonly number[];
  /** Largest |a − b|; null where nothing was compared. a is FILE, b what it is compared with. */
  readonly maxAbs: number | null;
  /** maxAbs / max|b|. */
  readonly maxRel: number | null;
  /** Mean of |a − b|. */
  readonly meanAbs: number | null;
  readonly cosine: number | null;
  /** Of FILE's values. */
  readonly min: number;
  readonly max: number;
  /** Values of FILE that are NaN or infinite. */
  readonly notFinite: number;
  /** The layer's own rtol, where they are not all the same. */
  readonly tolerance?: number;
  readonly pass: boolean;
  /** Why it did not pass, where it is no matter of size. */
  readonly problem?: string;
  /** Seconds of FILE's first run in this layer: reading its weights where that is done in its turn, and reading its outputs back. */
  readonly seconds: number;
}

export interface LayerValues {
  readonly layer: string;
  /** Batch first, N C H W. */
  readonly shape: readonly number[];
  /** Row-major; empty where they are more than a record holds (a note says so). */
  readonly values: readonly number[];
}

export interface TopEntry {
  /** Which of the batch, from 0. */
  readonly picture: number;
  /** From 1. */
  readonly rank: number;
  readonly index: number;
  readonly label?: string;
  /** After the activation that the file itself puts behind its last layer. */
  readonly value: number;
  /** Softmax over the logits. */
  readonly probability: number;
}

export interface SecondsRecord {
  /** Computing single layers with the engine, to see that it does so rightly; absent where that was not asked for. */
  readonly selfTest?: number;
  /** Reading the weights into the engine, before it runs or in each layer's turn. */
  readonly load: number;
  readonly first: number;
  /** A second run of the same pictures; absent where two things were compared, where they did not fit into one batch, and where weights are read in turn. */
  readonly warm?: number;
  /** Load and run of what it is compared with. */
  readonly other?: number;
  readonly total: number;
}
