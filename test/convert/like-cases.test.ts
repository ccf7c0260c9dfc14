import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { parseExpected } from "../support/canonical.ts";
import { golden } from "../support/paths.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-like-cases-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});

const expectedOf = (name: string) => parseExpected(readFileSync(join(golden ?? "", name, "expected.json"), "utf8"));
const pathOf = (name: string): string => join(golden ?? "", name, expectedOf(name).open);

async function like(source: string, other: string, out: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const [checkpoint, example] = [await open(pathOf(source), ctx), await open(pathOf(other), ctx)];
  try {
    const request = {
      checkpoint,
      identity: identify(checkpoint),
      like: { checkpoint: example, identity: identify(example), path: pathOf(other) },
    };
    return await convertCheckpoint(request, { out: join(root, out), force: true, ...options }, ctx);
  } finally {
    await checkpoint.close();
    await example.close();
  }
}

/** Every tensor that the other case's expectation gives a role: there, and with that hash. */
async function exact(output: string, other: string): Promise<void> {
  const expected = expectedOf(other);
  const made = await open(output, ctx);
  const found: Record<string, string> = {};
  const wanted: Record<string, string> = {};
  for (const [role, [key = ""]] of expected.roles) {
    const tensor = made.tensors.get(key);
    wanted[role] = `${expected.tensors.get(key)?.shape.join()} ${expected.hashes.get(key)}`;
    found[role] = tensor === undefined ? "absent" : `${tensor.shape.join()} ${await hash(tensor, ctx)}`;
  }
  await made.close();
  expect(found).toEqual(wanted);
}

describe.skipIf(golden === undefined)("the networks that people wrote (cases A and D)", () => {
  const seeds = ["paddle-seed-VGGNet", "paddle-seed-VGGNet2", "paddle18-py27-seed-VGGNet"].map((name) => `vgg16-64x96/${name}`);
  test.each(seeds)("%s and torchvision, both ways", async (name) => {
    const { output } = await like(name, "vgg16-64x96/torchvision", "a.pth");
    await exact(output, "vgg16-64x96/torchvision");
    const back = await like("vgg16-64x96/torchvision", name, "b.pdparams");
    await exact(back.output, name);
  });

  test("the face network, from old Paddle to new and into the file that lost its convolutions", async () => {
    const face = "vggface-64x96/paddle-seed-vgg_face";
    const { output } = await like("vggface-64x96/paddle18-seed-vgg_face", face, "face.pdparams");
    await exact(output, face);
    const lost = await like(face, "vggface-64x96/paddle-seed-vgg_face_question", "lost.pdparams");
    expect(lost.plan.moves.map(({ to }) => to)).toEqual(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"]);
    await expect(like("vggface-64x96/paddle-seed-vgg_face_question", face, "none.pdparams")).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringMatching(/^the source has nothing for conv1_1\.\S+, .* and \d+ more, which the other checkpoint needs$/),
    });
  });

  test("a VGG-11 of one channel: to Keras, and by that example back", async () => {
    const small = "vgg11-learn-224/learn_pytorch";
    const checkpoint = await open(pathOf(small), ctx);
    const keras = await convertCheckpoint(
      { checkpoint, identity: identify(checkpoint) },
      { to: "keras", out: join(root, "small.h5") },
      ctx,
    );
    const example = await open(pathOf(small), ctx);
    const made = await open(keras.output, ctx);
    const request = {
      checkpoint: made,
      identity: identify(made),
      like: { checkpoint: example, identity: identify(example), path: pathOf(small) },
    };
    const { output } = await convertCheckpoint(request, { out: join(root, "small.pth") }, ctx);
    for (const each of [checkpoint, example, made]) await each.close();
    await exact(output, small);
  });
});
