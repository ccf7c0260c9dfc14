/**
 * A catalogue in shards, as jobs of BullMQ in a Redis (npm install bullmq ioredis):
 *
 *     node bullmq.mjs work                                 on each machine; all see the same folders
 *     node bullmq.mjs add SHARDS OUTPUT SOURCE…            adds the shards, waits until they are done, and joins them
 *
 * REDIS_URL (redis://127.0.0.1:6379), AT_ONCE (shards at a time on this machine), VGGTOOL (the command).
 */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";

const name = "vggtool-catalogue";
/** Milliseconds that a worker has to end in: as long as Kubernetes and systemd give. */
const patience = 30_000;
const [program, ...before] = (process.env.VGGTOOL ?? "vggtool").split(" ");
const connection = new Redis(process.env.REDIS_URL ?? "redis://127.0.0.1:6379", { maxRetriesPerRequest: null });

function vggtool(...args) {
  return promisify(execFile)(program, [...before, ...args], { maxBuffer: 64 << 20 });
}

/** Works on shards until it is stopped. While the command runs, the worker renews the lock of its job; of a lost machine the lock ends, and another takes the job. */
async function work() {
  const atOnce = Number(process.env.AT_ONCE ?? availableParallelism());
  const run = async ({ data: { sources, shard, of, folder } }) => {
    await vggtool("catalogue", ...sources, "--shard", `${shard}/${of}`, "--record-errors", "--quiet", "-o", folder);
  };
  const worker = new Worker(name, run, { connection, concurrency: atOnce, maxStalledCount: 3 });
  // Shards that run are let finish; where the Redis is gone, closing never ends, and the time does.
  const stop = async () => {
    setTimeout(() => process.exit(1), patience).unref();
    await worker.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

async function add(shards, output, sources) {
  const queue = new Queue(name, { connection });
  // Waiting for events takes a connection of its own.
  const listening = connection.duplicate();
  const events = new QueueEvents(name, { connection: listening });
  await events.waitUntilReady();
  const parts = resolve(process.env.PARTS ?? `${output}-parts`);
  mkdirSync(parts, { recursive: true });
  const folders = Array.from({ length: shards }, (_, k) => join(parts, `${k + 1}-of-${shards}`));
  const options = { attempts: 3, backoff: { type: "exponential", delay: 1000 }, removeOnComplete: { age: 3600 }, removeOnFail: true };
  const jobs = folders.map((folder, k) => ({ name: "shard", data: { sources, shard: k + 1, of: shards, folder }, opts: options }));
  const added = await queue.addBulk(jobs);
  await Promise.all(added.map((job) => job.waitUntilFinished(events)));
  await vggtool("catalogue", "merge", ...folders, "--force", "--quiet", "-o", output);
  await events.close();
  await queue.close();
  listening.disconnect();
  connection.disconnect();
}

const [verb, shards, output, ...sources] = process.argv.slice(2);
if (verb === "work") await work();
else if (verb === "add" && Number(shards) >= 1 && sources.length > 0) await add(Number(shards), output, sources);
else {
  console.error("node bullmq.mjs work | add SHARDS OUTPUT SOURCE…");
  process.exit(2);
}
