import protobuf from "protobufjs/minimal.js";
import { maskCrc } from "../../encodings/checksum/crc32c.ts";
import { buildTable } from "../../encodings/sstable/sstable-build.ts";
import { CheckpointError } from "../../errors.ts";
import { compareBytes } from "../../io/bytes.ts";
import { shardName } from "../../readers/tensorflow/bundle.ts";
import { tfTypeNumber } from "../../readers/tensorflow/types.ts";
import type { FileLayout, Group, TensorSpec, Writer, WriterInput, Written } from "../layout.ts";
import { specBytes, tensorPiece } from "../pieces.ts";
import { tag } from "../proto-pieces.ts";

/**
 * A TF V2 checkpoint under the prefix `input.name`: the tensors one behind the other, in the order given, in one data file, and
 * `<prefix>.index`, made when their checksums are known. tf.train.load_checkpoint and Saver.restore need no more than these two.
 */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const encoder = new TextEncoder();
    const placed = input.tensors.map((spec) => {
      const key = encoder.encode(spec.key);
      const group: Group = { kind: "group", checksum: "crc32c", pieces: [tensorPiece(spec)] };
      return { spec, key, dtype: dtypeNumber(spec, key), group };
    });
    // A table's keys ascend as bytes; the data keeps the order given.
    const sorted = placed.toSorted((a, b) => compareBytes(a.key, b.key));
    sorted.forEach(({ key, spec }, k) => {
      const before = sorted[k - 1];
      if (before !== undefined && compareBytes(before.key, key) === 0) {
        throw new CheckpointError("mismatch", "two tensors of one name cannot stand in one checkpoint", { tensor: spec.key });
      }
    });
    return [
      { name: shardName(input.name, 0, 1), pieces: placed.map(({ group }) => group) },
      {
        name: `${input.name}.index`,
        pieces: [
          {
            kind: "late",
            make: (written) =>
              buildTable([
                [new Uint8Array(0), header()],
                ...sorted.map(({ key, spec, dtype, group }) => [key, entry(spec, dtype, written(group))] as const),
              ]),
          },
        ],
      },
    ];
  },
};

function dtypeNumber(spec: TensorSpec, key: Uint8Array): number {
  if (key.length === 0 || key[0] === 0) {
    throw new CheckpointError(
      "unsupported",
      "a TensorFlow checkpoint cannot store a tensor without a name, or with one that begins with a zero byte",
      {
        tensor: spec.key,
      },
    );
  }
  const number = tfTypeNumber(spec.dtype);
  if (number === undefined)
    throw new CheckpointError("unsupported", `${spec.dtype} has no place in a TensorFlow checkpoint`, { tensor: spec.key });
  return number;
}

/** BundleHeaderProto: num_shards 1, version {producer 1}; little-endian is the default and left out, as TensorFlow does. */
function header(): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, 0)).int32(1);
  writer.uint32(tag(3, 2)).fork().uint32(tag(1, 0)).int32(1).ldelim();
  return writer.finish();
}

/** BundleEntryProto: dtype 1, shape 2 {dim 2 {size 1}}, shard_id 3 (0, left out), offset 4, size 5, crc32c 6 (fixed32, masked). */
function entry(spec: TensorSpec, dtype: number, { offset, checksum }: Written): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(tag(1, 0)).int32(dtype);
  writer.uint32(tag(2, 2)).fork();
  for (const size of spec.shape) {
    writer.uint32(tag(2, 2)).fork();
    if (size !== 0) writer.uint32(tag(1, 0)).int64(size);
    writer.ldelim();
  }
  writer.ldelim();
  if (offset !== 0) writer.uint32(tag(4, 0)).int64(offset);
  const size = specBytes(spec);
  if (size !== 0) writer.uint32(tag(5, 0)).int64(size);
  // proto3 leaves out a fixed32 of 0 too, which a masked checksum is once in 2^32 times.
  const masked = maskCrc(checksum);
  if (masked !== 0) writer.uint32(tag(6, 5)).fixed32(masked);
  return writer.finish();
}
