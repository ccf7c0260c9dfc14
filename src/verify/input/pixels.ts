/** Pixels of one picture: rows of interleaved channels, one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** How large a picture becomes: `fill` ignores proportions; else the whole input is covered by `width` × `height`, or by the `shown` middle of it. */
export interface Resize {
  readonly fit: "cover" | "fill";
  readonly width: number;
  readonly height: number;
  /** Of the scaled picture only this middle is wanted. */
  readonly shown?: { readonly width: number; readonly height: number };
}

export interface Decoder {
  /** Decoded, turned as its EXIF says, scaled (bicubic), in sRGB or grey. Throws `malformed` for what is no picture. */
  decode(bytes: Uint8Array, grey: boolean, resize: Resize, file: string): Promise<Pixels>;
}
