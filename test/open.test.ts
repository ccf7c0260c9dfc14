import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isCheckpointError } from "../src/errors.ts";
import { createContext } from "../src/io/run.ts";
import { open, openBytes } from "../src/open.ts";
import { fixtures } from "./support/paths.ts";

const ctx = createContext({ values: true });
const one = readFileSync(join(fixtures, "safetensors/dtypes/dtypes.safetensors"));
const array = readFileSync(join(fixtures, "npy/scalar/scalar.npy"));
const two = readFileSync(join(fixtures, "demo/vgg_face_question.pdparams"));
const index = readFileSync(join(fixtures, "demo/vgg_16.ckpt.index"));
const data = readFileSync(join(fixtures, "demo/vgg_16.ckpt.data-00000-of-00001"));
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
beforeAll(() => {
  const shards = join(fixtures, "tf-v1/partitioned-sharded");
  cpSync(shards, join(folder, "v1"), { recursive: true });
});
afterAll(async () => {
  await ctx.dispose();
  rmSync(folder, { recursive: true });
});

type Members = readonly (readonly [name: string, bytes: Uint8Array])[];

/** Members stored one behind the other, and the central directory. `flags` 1: encrypted. */
function zip(members: Members, flags = 0): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, bytes] of members) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(flags, 2);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), bytes]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), fields, rest, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, listed, Buffer.from("PK\x05\x06"), end]);
}

/** POSIX ustar: a block of 512 bytes for each member's name, size and checksum, in octal. */
function tar(members: Members): Buffer {
  const blocks = members.map(([name, bytes]) => {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write("0000644\0", 100);
    head.write(bytes.length.toString(8).padStart(11, "0"), 124);
    head.write(" ".repeat(8), 148);
    head.write("0", 156);
    head.write("ustar\x0000", 257);
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    return Buffer.concat([head, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const notes = Buffer.from("# how it was trained\n");
const checkpoint = [
  ["vgg/vgg_16.ckpt.index", index],
  ["vgg/vgg_16.ckpt.data-00000-of-00001", data],
] as const;

describe("one archive around one checkpoint", () => {
  test.each([
    [
      "zip",
      zip([
        ["README.md", notes],
        ["model.safetensors", one],
      ]),
      "safetensors",
      "model.safetensors in a zip archive",
    ],
    [
      "tar",
      tar([
        ["README.md", notes],
        ["model.safetensors", one],
      ]),
      "safetensors",
      "model.safetensors in a tar archive",
    ],
    ["gz", gzipSync(one), "safetensors", "in gzip"],
    ["tar.gz", gzipSync(tar([["model.safetensors", one]])), "safetensors", "in gzip"],
    ["zip, a checkpoint of several files", zip(checkpoint), "tf-v2", "in a zip archive"],
    ["tar.gz, a checkpoint of several files", gzipSync(tar(checkpoint)), "tf-v2", "in gzip"],
  ])("%s", async (_, bytes, format, variant) => {
    const found = await openBytes(bytes, "download.bin", ctx);
    expect(found.format).toBe(format);
    expect(found.variant).toContain(variant);
    expect(found.tensors.size).toBeGreaterThan(1);
    await found.close();
  });

  test.each([
    [
      "several candidates are listed",
      zip([
        ["a.safetensors", one],
        ["old/b.pdparams", two],
      ]),
      "the archive holds several checkpoints: a.safetensors, old/b.pdparams",
      "unpack it and name one of them",
    ],
    [
      "several in a tar.gz",
      gzipSync(
        tar([
          ["a.safetensors", one],
          ["b.safetensors", one],
        ]),
      ),
      "the archive holds several checkpoints: a.safetensors, b.safetensors",
      "unpack it and name one of them",
    ],
    [
      "a checkpoint beside an array, which would pass for an npz",
      zip([
        ["mean.npy", array],
        ["b.pdparams", two],
        ["README.md", notes],
      ]),
      "the archive holds several checkpoints: b.pdparams, mean.npy",
      "unpack it and name one of them; --from npz reads the arrays alone",
    ],
    [
      "the same in a gz",
      gzipSync(
        zip([
          ["mean.npy", array],
          ["b.pdparams", two],
        ]),
      ),
      "the archive holds several checkpoints: b.pdparams, mean.npy",
      "unpack it and name one of them; --from npz reads the arrays alone",
    ],
    [
      "none: what is in it is listed",
      zip([
        ["README.md", notes],
        ["photo.jpg", Buffer.from("\xff\xd8\xff\xe0", "latin1")],
      ]),
      "the archive holds no checkpoint; in it are: README.md, photo.jpg",
      undefined,
    ],
    ["nothing at all", zip([]), /no checkpoint|no files|empty/, undefined],
    ["encrypted", zip([["model.safetensors", one]], 1), "zip member model.safetensors is encrypted", undefined],
  ])("%s", async (_, bytes, message, hint) => {
    const error: unknown = await openBytes(bytes, "download.zip", ctx).catch((reason: unknown) => reason);
    if (!isCheckpointError(error)) throw error;
    expect(error.code).toBe("unsupported");
    expect(error.message).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
    if (hint !== undefined) expect(error.where.hint).toBe(hint);
  });
});

test("arrays beside files that are no checkpoints are an npz", async () => {
  const found = await openBytes(
    zip([
      ["a.npy", array],
      ["README.md", notes],
    ]),
    "arrays.bin",
    ctx,
  );
  expect(found.format).toBe("npz");
  expect([...found.tensors.keys()]).toEqual(["a"]);
  await found.close();
});

test("an archive that could be two things opens as what it is said to be", async () => {
  const bytes = zip([
    ["a.npy", array],
    ["b.pdparams", two],
  ]);
  const found = await openBytes(bytes, "arrays.bin", ctx, { from: "npz" });
  expect([...found.tensors.keys()]).toEqual(["a"]);
  await found.close();
});

test("two strong answers are an error that lists both", async () => {
  const both = zip([
    ["config.json", Buffer.from("{}")],
    ["metadata.json", Buffer.from("{}")],
    ["model.weights.h5", Buffer.from("\x89HDF\r\n\x1a\n", "latin1")],
    ["archive/data.pkl", Buffer.from("\x80\x02}q\x00.", "latin1")],
    ["archive/version", Buffer.from("3\n")],
  ]);
  await expect(openBytes(both, "model.bin", ctx)).rejects.toMatchObject({
    code: "unsupported",
    message: "this could be any of keras-v3, torch",
    where: { hint: "say which with --from keras-v3" },
  });
});

describe("what is no checkpoint says what it looks like", () => {
  const begins = (text: string): Buffer => Buffer.concat([Buffer.from(text, "latin1"), Buffer.alloc(600, 1)]);
  test.each([
    ["a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"), /git lfs pull/],
    ["an HTML page", Buffer.from("\n<!DOCTYPE html><html></html>"), /web page/],
    ["an XML document", Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), /error message/],
    ["a PNG picture", begins("\x89PNG\r\n\x1a\n"), undefined],
    ["a JPEG picture", begins("\xff\xd8\xff\xe0"), undefined],
    ["a WebP picture", begins("RIFF\x10\x00\x00\x00WEBPVP8 "), undefined],
    ["a PDF document", begins("%PDF-1.7\n"), undefined],
    ["a 7z archive", begins("7z\xbc\xaf\x27\x1c"), /unpack/],
    ["a RAR archive", begins("Rar!\x1a\x07"), /unpack/],
    ["bzip2-compressed data", begins("BZh9"), /bunzip2/],
    ["xz-compressed data", begins("\xfd7zXZ\0"), /unxz/],
    ["zstd-compressed data", begins("\x28\xb5\x2f\xfd"), /unzstd/],
    ["data encrypted by OpenSSL", begins("Salted__"), /decrypt/],
    ["data encrypted by age", begins("age-encryption.org/v1\n"), /decrypt/],
    ["a PGP message", Buffer.from("-----BEGIN PGP MESSAGE-----\n\n"), /decrypt/],
    ["a GGUF or GGML model", begins("GGUF\x03"), /VGG/],
    ["nothing but zero bytes", Buffer.alloc(5000), /preallocated/],
    ["text", Buffer.from("Sorry, you have exceeded your quota.\n"), /formats/],
    ["unknown data", Buffer.from(Uint8Array.from({ length: 4096 }, (_, k) => (k * 167 + 13) % 256)), /formats/],
  ])("%s", async (found, bytes, hint) => {
    const error: unknown = await openBytes(bytes, "vgg16.pth", ctx).catch((reason: unknown) => reason);
    if (!isCheckpointError(error)) throw error;
    expect(error.code).toBe("unsupported");
    expect(error.message).toContain(`this is ${found}`);
    expect(error.message).toContain("a checkpoint was needed");
    if (hint !== undefined) expect(error.where.hint).toMatch(hint);
  });
});

test("a sharded checkpoint under the name that TensorFlow prints, question marks and all", async () => {
  for (const shards of ["00002", "?????"]) {
    const found = await open(join(folder, "v1", `vgg_16.ckpt-?????-of-${shards}`), ctx);
    expect(found).toMatchObject({ format: "tf-v1", variant: expect.stringContaining("2 files") });
    await found.close();
  }
  writeFileSync(join(folder, "m.ckpt.index"), index);
  writeFileSync(join(folder, "m.ckpt.data-00000-of-00001"), data);
  const v2 = await open(join(folder, "m.ckpt.data-?????-of-00001"), ctx);
  expect(v2.format).toBe("tf-v2");
  await v2.close();
});
