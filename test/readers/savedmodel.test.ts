import { expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { reader } from "../../src/readers/tensorflow/savedmodel.ts";
import { memoryProbe } from "../support/damage.ts";

/** SavedModel { saved_model_schema_version 1: 1, meta_graphs 2: { meta_info_def 1: { tags 4: "serve" } } }. */
const saved = new Uint8Array([0x08, 0x01, 0x12, 0x09, 0x0a, 0x07, 0x22, 0x05, ...Buffer.from("serve")]);

test("saved_model.pb alone is a SavedModel without variables", async () => {
  const probe = memoryProbe(new Map([["half/saved_model.pb", saved]]), "half/saved_model.pb");
  expect(await reader.detect(probe)).toBe("sure");
  const checkpoint = await reader.read(probe, createContext());
  expect(checkpoint.tensors.size).toBe(0);
  expect(checkpoint.metadata.get("tags")).toEqual(["serve"]);
  expect(checkpoint.notes).toHaveLength(1);
});

test("another file of that name is left to others", async () => {
  const probe = memoryProbe(new Map([["saved_model.pb", new Uint8Array([0x0a, 0x01, 0x00])]]), "saved_model.pb");
  expect(await reader.detect(probe)).toBeUndefined();
});
