/** The first fully connected layer of a network that has one row for each channel of pool5, beside one with a row for each place of each channel. */
export interface OneRowAChannel {
  /** "fc6 of their.ckpt", "the other checkpoint's fc6" */
  readonly layer: string;
  readonly channels: number;
  /** Rows on the other side, and what they are: 25088, "7×7×512". */
  readonly needed: number;
  readonly grid: string;
  /** Whose rows those are. */
  readonly holder: string;
  /** Frameworks with channels first always flatten before a matrix. */
  readonly flattens: boolean;
}

/**
 * The sentence for such a pair. A matrix on a feature map of channels last works without flattening (slim.fully_connected, Dense) and then has
 * one row a channel; so has one behind a pool5 of 1×1: from shapes alone nobody can tell which it is.
 */
export function oneRowAChannel({ layer, channels, needed, grid, holder, flattens }: OneRowAChannel): string {
  const small = "its images are as small as makes pool5 1×1";
  const why = flattens ? small : `${small}, or its fully connected layer was applied to pool5 without flattening it`;
  return `${layer} has ${channels} rows, one for each channel of pool5: ${why}; it cannot hold the ${needed} rows (${grid}) of ${holder}`;
}
