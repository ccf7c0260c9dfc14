import { readSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { adoptMemory } from "../arena.ts";
import { compareBytes, latin1 } from "../bytes.ts";
import { ASKED, DONE, FAILED, FREE, type HelperData, type Job, LENGTH, RESULT, type SharedChecksum, STATE, TEXT } from "./job.ts";

type BoxJob = Extract<Job, { readonly kind: "copy" | "prove" }>;
type Work = Exclude<Job, { readonly kind: "end" }>;

/** What a helper does by code of other layers. */
export interface Skills extends Readonly<Record<SharedChecksum, (bytes: Uint8Array, crc?: number) => number>> {
  readonly copy: (memory: Uint8Array, job: BoxJob) => void;
  readonly prove: (memory: Uint8Array, job: BoxJob) => boolean;
}

/** Bytes of a file at a time, which stay in the second-level cache. */
const CHUNK = 1 << 20;

/**
 * The life of a helper thread: it waits for a job, does it, and waits again. What goes wrong is not reported but left to the thread that
 * asked, which does the same and fails in its own words.
 */
export function serve(skills: Skills): void {
  const { block, memory }: HelperData = workerData;
  const numbers = new Int32Array(block);
  const result = new Float64Array(block, RESULT, 1);
  const text = new Uint8Array(block, TEXT);
  const shared = new Uint8Array(memory.buffer);
  adoptMemory(memory);
  const answer = (job: Work): number => {
    try {
      result[0] = work(job, shared, skills);
      return DONE;
    } catch {
      return FAILED;
    }
  };
  Atomics.store(numbers, STATE, FREE);
  for (let state: number = FREE; ; ) {
    Atomics.wait(numbers, STATE, state);
    if (Atomics.load(numbers, STATE) !== ASKED) continue;
    const job: Job = JSON.parse(latin1(text, 0, numbers[LENGTH]));
    if (job.kind === "end") return;
    state = answer(job);
    Atomics.store(numbers, STATE, state);
    Atomics.notify(numbers, STATE);
  }
}

function work(job: Work, shared: Uint8Array, skills: Skills): number {
  const range = (at: number, length: number): Uint8Array => shared.subarray(at, at + length);
  switch (job.kind) {
    case "read":
      for (let k = 0; k < job.count; k += 1) readExactly(job.fd, range(job.at + k * job.pitch, job.length), job.offset + k * job.stride);
      return 0;
    case "copy":
      skills.copy(shared, job);
      return 0;
    case "prove":
      return Number(skills.prove(shared, job));
    case "sum":
      return skills[job.checksum](range(job.at, job.length));
    case "sumFile": {
      let sum = 0;
      for (const { bytes } of chunks(job)) sum = skills[job.checksum](bytes, sum);
      return sum;
    }
    case "sameFile":
      for (const { bytes, done } of chunks(job)) if (compareBytes(bytes, range(job.at + done, bytes.length)) !== 0) return 0;
      return 1;
    case "same":
      return compareBytes(range(job.a, job.length), range(job.b, job.length)) === 0 ? 1 : 0;
  }
}

let chunk: Uint8Array | undefined;

/** A range of a file, piece by piece in one buffer. */
function* chunks({ fd, offset, length }: { readonly fd: number; readonly offset: number; readonly length: number }) {
  chunk ??= new Uint8Array(CHUNK);
  for (let done = 0; done < length; done += CHUNK) {
    const bytes = chunk.subarray(0, Math.min(CHUNK, length - done));
    readExactly(fd, bytes, offset + done);
    yield { bytes, done };
  }
}

function readExactly(fd: number, into: Uint8Array, offset: number): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(fd, into, done, into.length - done, offset + done);
    if (count === 0) throw new RangeError(`the file ends at byte ${offset + done}`);
    done += count;
  }
}
