import type { PageData } from "../report/page/data.ts";

/* What the page asks its worker for, and what it is given. Texts that come from a file are as they may be shown. */

/** A file, by its path on the page's disk. */
export interface GivenFile {
  readonly path: string;
  readonly bytes: Blob;
}

/** A checkpoint among the files that the page was given. */
export interface FoundRow {
  /** What the worker is asked for it by. */
  readonly source: string;
  readonly name: string;
  /** How many files it has, and their bytes together. */
  readonly files: number;
  readonly bytes: number;
}

/** A value of --to. */
export interface TargetRow {
  readonly id: string;
  readonly title: string;
}

/** For each verb what is asked and what is given. */
export interface Verbs {
  /** More files: all checkpoints that are there now, and how many files are none. */
  readonly take: {
    readonly asked: readonly GivenFile[];
    readonly given: { readonly found: readonly FoundRow[]; readonly skipped: number };
  };
  /** The files of the folder that the page was served with; `address` is that of their list. */
  readonly serve: { readonly asked: { readonly address: string }; readonly given: Verbs["take"]["given"] };
  /** Takes all files back. */
  readonly forget: { readonly asked: null; readonly given: null };
  /** What a checkpoint is; with `values` their statistics and filters too, with `other` the comparison with another. */
  readonly look: { readonly asked: LookOptions; readonly given: PageData };
  /** The same as one page that can be kept. */
  readonly page: { readonly asked: LookOptions; readonly given: GivenFile };
  /** What `vggtool inspect --json` prints. */
  readonly json: { readonly asked: { readonly source: string }; readonly given: string };
  readonly targets: { readonly asked: null; readonly given: readonly TargetRow[] };
  readonly convert: { readonly asked: { readonly source: string; readonly to: string }; readonly given: Converted };
}

export interface LookOptions {
  readonly source: string;
  readonly values: boolean;
  readonly other?: string;
}

export interface Converted {
  readonly files: readonly GivenFile[];
  /** What the page says of them, and what to look at before they are used. */
  readonly summary: string;
  readonly warnings: readonly string[];
}

export type Verb = keyof Verbs;

export interface Asked<V extends Verb = Verb> {
  readonly id: number;
  readonly verb: V;
  readonly asked: Verbs[V]["asked"];
}

/** Gives up what was asked. */
export interface Stop {
  readonly stop: number;
}

export interface WorkFailure {
  readonly message: string;
  readonly hint?: string;
}

/** What the worker says of something that it was asked, until it is done or has failed. */
export type WorkerAnswer =
  | { readonly id: number; readonly phase: string; readonly bytes: number }
  | { readonly id: number; readonly progress: number }
  | { readonly id: number; readonly given: unknown }
  | { readonly id: number; readonly failed: WorkFailure };
