import { type BytesInput, inputName } from "../io/bytes-input.ts";
import { shownAddress } from "../io/remote/address.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** What a checkpoint is opened from: a path, an address, its bytes, or a checkpoint that is open already and stays open. */
export type CheckpointInput = BytesInput | Checkpoint;

/** Whether an input is a checkpoint that somebody has opened. */
export function isOpen(input: CheckpointInput): input is Checkpoint {
  return typeof input === "object" && "tensors" in input && "close" in input;
}

/** How an input is called in sentences and records. */
export function nameOfInput(input: CheckpointInput): string {
  return isOpen(input) ? (input.files[0] ?? input.format) : shownAddress(inputName(input));
}

/** The path or address of an input; undefined for bytes and for what is open already. */
export function pathOfInput(input: CheckpointInput): string | undefined {
  return typeof input === "string" || input instanceof URL ? inputName(input) : undefined;
}
