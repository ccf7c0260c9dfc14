import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { tensorOf, tinyCheckpoint } from "../support/tiny.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-part-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});

/** A VGG with layers of another network beside it. */
function hosted(): Checkpoint {
  const { checkpoint } = tinyCheckpoint("torchvision");
  const others = ["rpn.conv.weight", "rpn.conv.bias"].map(
    (name) => [name, tensorOf(name, "float32", [3], Float64Array.of(1, 2, 3))] as const,
  );
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors, ...others]) };
}

async function keysOf(part: string, to: string, file: string): Promise<readonly string[]> {
  const checkpoint = hosted();
  await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { to, out: join(root, file), part, force: true }, ctx);
  const written = await open(join(root, file), ctx);
  const keys = [...written.tensors.keys()].sort();
  await written.close();
  return keys;
}

describe("--part", () => {
  test("body takes the tensors that have a role, rest the others, and together they are the file", async () => {
    const [body, rest] = [await keysOf("body", "torch", "body.pth"), await keysOf("rest", "torch", "rest.pth")];
    expect(rest).toEqual(["rpn.conv.bias", "rpn.conv.weight"]);
    expect(body).toEqual([...tinyCheckpoint("torchvision").checkpoint.tensors.keys()].sort());
  });

  test("what is left out is in the ledger, with the reason", async () => {
    const checkpoint = hosted();
    const { plan } = await convertCheckpoint(
      { checkpoint, identity: identify(checkpoint) },
      { to: "torch", part: "body", dryRun: true, out: join(root, "x.pth") },
      ctx,
    );
    expect(plan.unused).toEqual([
      { key: "rpn.conv.weight", reason: "not in --part body" },
      { key: "rpn.conv.bias", reason: "not in --part body" },
    ]);
  });

  test("of another name is refused with the parts that there are, and so is a part of what is no VGG", async () => {
    const checkpoint = hosted();
    const asked = (identity: ReturnType<typeof identify>) =>
      convertCheckpoint({ checkpoint, identity }, { to: "torch", part: "nope", out: join(root, "x.pth") }, ctx);
    await expect(asked(identify(checkpoint))).rejects.toMatchObject({
      code: "usage",
      summary: expect.stringContaining("these are: body, rest"),
    });
    await expect(asked(undefined)).rejects.toMatchObject({
      code: "usage",
      summary: expect.stringContaining("no network of the VGG family"),
    });
  });
});
