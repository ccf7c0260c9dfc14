import type { Readings } from "./readings.ts";

/** What a person says of a file beside what it says itself. */
export interface IdentifyOptions extends Readings {
  /** Height, width of the image, where the user says so. */
  readonly inputSize?: readonly [height: number, width: number];
  readonly bnEpsilon?: number;
}
