/**
 * What a page shows, as its script takes it: JSON inside the page. Names and sentences are as they may be shown (no control characters, no
 * more than some hundred letters); numbers that JSON has none for are texts. Arrays of numbers are base64 of little-endian bytes.
 */
export interface PageData {
  readonly title: string;
  readonly heading: string;
  /** What the file is, in sentences. */
  readonly facts: readonly string[];
  readonly verdict?: { readonly good: boolean; readonly text: string };
  readonly evidence: readonly string[];
  readonly assumed: readonly string[];
  readonly findings: readonly FindingData[];
  readonly strips: readonly StripData[];
  readonly tensors?: TensorsData;
  readonly sheet?: SheetData;
  readonly filters: readonly FilterData[];
  readonly comparison?: ComparisonData;
  readonly ledger?: LedgerData;
  readonly layers?: LayersData;
  readonly top: readonly TopData[];
}

export interface FindingData {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly layers: readonly string[];
  readonly fix?: string;
}

/** One network of the file: its blocks from the picture on. */
export interface StripData {
  readonly name: string;
  readonly blocks: readonly { readonly name: string; readonly layers: readonly StripLayer[] }[];
}

export interface StripLayer {
  readonly name: string;
  /** foreign: of the file, and none of a VGG's. */
  readonly state: "present" | "partial" | "missing" | "foreign";
  /** "64 outputs", "lacks its bias" */
  readonly detail: string;
}

export interface TensorsData {
  readonly total: string;
  readonly rows: readonly ShownTensor[];
}

export interface ShownTensor {
  readonly name: string;
  readonly role: string;
  readonly dtype: string;
  readonly shape: string;
  readonly values: number;
  readonly stats?: StatsData;
}

export type Shown = number | string;

export interface StatsData {
  readonly min: Shown;
  readonly max: Shown;
  readonly mean: Shown;
  readonly std: Shown;
  readonly zeros: number;
  readonly notFinite: number;
  /** Percent and value. */
  readonly percentiles: readonly (readonly [string, Shown])[];
  readonly histogram?: HistogramData;
}

export interface HistogramData {
  readonly from: Shown;
  readonly to: Shown;
  readonly counts: readonly number[];
}

export interface SheetData {
  readonly layer: string;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly channels: number;
  readonly order: "rgb" | "bgr" | null;
  /** A sentence: what says the order. */
  readonly grounds: string;
  /** float32: outputs, height, width, channels. */
  readonly values: string;
}

export interface FilterData {
  readonly layer: string;
  readonly outputs: number;
  readonly kernel: readonly [number, number] | null;
  readonly most: number;
  /** uint16, of which 65535 is `most`; 0 too where a weight is not finite. */
  readonly norms: string;
  /** uint8: outputs, height, width; empty without a kernel. */
  readonly places: string;
  /** How many inputs the places were summed over. */
  readonly inputs: number;
}

export interface ComparisonData {
  readonly other: string;
  readonly equal: boolean;
  readonly explanations: readonly string[];
  readonly rows: readonly ComparisonRow[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  readonly rowLikeness?: {
    readonly role: string;
    readonly rows: number;
    readonly looked: number;
    readonly pairs: readonly (readonly [number, number])[];
  };
}

export interface ComparisonRow {
  readonly name: string;
  readonly move: string;
  readonly equal: boolean;
  readonly maxAbs: Shown;
  readonly maxRel: Shown;
  readonly meanAbs: Shown;
  readonly cosine: Shown;
  readonly histogram?: HistogramData;
}

export interface LedgerData {
  readonly target: string;
  readonly totals: string;
  readonly moves: readonly { readonly to: string; readonly kind: string; readonly move: string; readonly from: string }[];
  readonly left: readonly { readonly key: string; readonly why: string }[];
  readonly missing: readonly { readonly key: string; readonly why: string }[];
  readonly warnings: readonly string[];
}

/** Of a run: each layer's activations, and how far they are from what they were compared with. */
export interface LayersData {
  readonly compared: boolean;
  readonly rows: readonly {
    readonly name: string;
    readonly shape: string;
    readonly min: Shown;
    readonly max: Shown;
    readonly notFinite: number;
    readonly maxAbs: Shown;
    readonly maxRel: Shown;
    readonly cosine: Shown;
    readonly pass: boolean;
    readonly problem: string;
  }[];
}

/** A small copy of a picture as the network is given it. */
export interface SeenData {
  readonly width: number;
  readonly height: number;
  /** uint8: height, width, red green blue. */
  readonly pixels: string;
}

export interface TopData {
  readonly picture: string;
  readonly seen?: SeenData;
  readonly rows: readonly { readonly rank: number; readonly label: string; readonly probability: Shown }[];
}
