import { crewOf, divide } from "../../io/crew/crew.ts";
import { type SharedBox, WORTH_ASKING } from "../../io/crew/job.ts";
import { elementCount } from "../shape.ts";

/** One side of a copy: bytes, where element (0, 0, …) begins, and bytes from one index to the next for each axis. */
export interface Strided {
  readonly bytes: Uint8Array;
  readonly origin: number;
  readonly strides: readonly number[];
}

/** The same box of elements in two places. */
export interface Boxes {
  readonly from: Strided;
  readonly to: Strided;
  readonly shape: readonly number[];
}

/** Parts of a box begin at a multiple of it along their axis: kernels work in blocks of so many rows or columns. */
const STEP = 16;

/** Does something with a box, part by part along its longest axis where helper threads reach both places, else at once. Returns the results. */
export function divideBox(kind: "copy" | "prove", boxes: Boxes, itemsize: number, own: (boxes: Boxes) => number): readonly number[] {
  const { from, to, shape } = boxes;
  const { buffer } = from.bytes;
  const large = buffer === to.bytes.buffer && elementCount(shape) * itemsize >= WORTH_ASKING;
  const crew = large ? crewOf(buffer) : undefined;
  if (crew === undefined) return [own(boxes)];
  const axis = shape.indexOf(Math.max(...shape));
  const part = (first: number, end: number): Boxes => {
    const along = ({ bytes, origin, strides }: Strided): Strided => ({ bytes, origin: origin + first * (strides[axis] ?? 0), strides });
    return { from: along(from), to: along(to), shape: shape.with(axis, end - first) };
  };
  const shared = ({ bytes, origin, strides }: Strided): SharedBox => ({ origin: bytes.byteOffset + origin, strides });
  const results = divide(crew, {
    count: shape[axis] ?? 1,
    step: STEP,
    own: (first, end) => own(part(first, end)),
    job: (first, end) => {
      const box = part(first, end);
      return { kind, from: shared(box.from), to: shared(box.to), shape: box.shape, itemsize };
    },
  });
  return results.map(([result]) => result);
}
