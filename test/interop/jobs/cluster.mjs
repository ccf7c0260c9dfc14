import { execFile, spawn } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { environmentNode, environmentPython } from "../environment.mjs";
import { demo } from "./files.mjs";

/*
 * What docs/catalogue.md says of several machines, on this one: under each engine 1, 2 and 7 shards, joined, are the files that one run gives, byte for byte.
 */

const shardCounts = [1, 2, 7];

async function run(program, args, options = {}) {
  try {
    return (await promisify(execFile)(program, args, { maxBuffer: 64 << 20, ...options })).stdout;
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}\n${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  }
}

/** Twenty checkpoints, a damaged one, and the catalogue that one run makes of them. */
async function prepared({ out, root, vggtool }) {
  const models = join(out, "models");
  mkdirSync(models);
  for (let k = 0; k < 10; k++) {
    copyFileSync(join(root, demo.paddle), join(models, `${k}.pdparams`));
    copyFileSync(join(root, demo.matconvnet), join(models, `${k}.mat`));
  }
  writeFileSync(join(models, "damaged.pth"), "<html>");
  const whole = join(out, "whole");
  await vggtool("catalogue", models, "--record-errors", "-o", whole);
  await vggtool("catalogue", "merge", whole, "-o", join(out, "expected"));
  return { models, expected: filesOf(join(out, "expected")), command: `${process.execPath} ${join(root, "bin", "vggtool")}` };
}

function filesOf(folder) {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name} ${readFileSync(join(folder, name)).toString("base64")}`)
    .join("\n");
}

/** Runs an engine for each number of shards, and compares what it has made. */
async function same(context, engine) {
  const { models, expected, command } = await prepared(context);
  for (const shards of shardCounts) {
    const output = join(context.out, `zoo-${shards}`);
    await engine({ models, shards, output, parts: join(context.out, `parts-${shards}`), command });
    if (filesOf(output) !== expected) throw new Error(`${shards} shards have other rows than one run`);
  }
  return `${shardCounts.join(", ")} shards have the rows of one run`;
}

/** A port that is free now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .on("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = server.address();
        server.close(() => resolve(port));
      });
  });
}

const scripts = (root) => join(root, "scripts", "cluster");

export const clusterJobs = [
  {
    name: "cluster: GNU parallel",
    needs: "parallel",
    run: (context) =>
      same(context, ({ models, shards, output, parts, command }) =>
        run(join(scripts(context.root), "parallel.sh"), [shards, output, models], {
          env: { ...process.env, VGGTOOL: command, PARTS: parts },
        }),
      ),
  },
  {
    name: "cluster: Snakemake",
    environment: "cluster",
    run: (context) =>
      same(context, ({ models, shards, output, parts, command }) => {
        const settings = [`sources=${models}`, `shards=${shards}`, `output=${output}`, `parts=${parts}`, `vggtool=${command}`];
        const args = ["-s", join(scripts(context.root), "Snakefile"), "-j", "2", "--quiet", "all", "--config", ...settings];
        return run(join(dirname(environmentPython("cluster")), "snakemake"), args, { cwd: context.out });
      }),
  },
  {
    name: "cluster: Ray",
    environment: "cluster",
    run: (context) =>
      same(context, ({ models, shards, output, parts, command }) => {
        const args = [models, "--shards", shards, "-o", output, "--parts", parts, "--at-once", "2", "--command", command];
        return run(environmentPython("cluster"), [join(scripts(context.root), "catalogue_ray.py"), ...args], {
          cwd: context.out,
          env: { ...process.env, RAY_USAGE_STATS_ENABLED: "0" },
        });
      }),
  },
  {
    name: "cluster: BullMQ with Redis",
    environment: "node-cluster",
    needs: "redis-server",
    async run(context) {
      // A folder as a user has it: the script beside the packages.
      const place = mkdtempSync(join(tmpdir(), "vggtool-bullmq-"));
      cpSync(join(scripts(context.root), "bullmq.mjs"), join(place, "bullmq.mjs"));
      symlinkSync(join(environmentNode("node-cluster"), "node_modules"), join(place, "node_modules"));
      const port = await freePort();
      const redis = spawn("redis-server", ["--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", place], { stdio: "ignore" });
      const environmentOf = (command) => ({ ...process.env, REDIS_URL: `redis://127.0.0.1:${port}`, VGGTOOL: command, AT_ONCE: "1" });
      const script = join(place, "bullmq.mjs");
      const workers = [];
      try {
        return await same(context, async ({ models, shards, output, parts, command }) => {
          const env = environmentOf(command);
          while (workers.length < 2) workers.push(spawn(process.execPath, [script, "work"], { env, stdio: "ignore" }));
          await run(process.execPath, [script, "add", shards, output, models], { env: { ...env, PARTS: parts }, timeout: 120_000 });
        });
      } finally {
        // Workers wait for their Redis, and nothing is lost here.
        for (const child of [...workers, redis]) child.kill("SIGKILL");
      }
    },
  },
  {
    name: "cluster: the manifest for Kubernetes is one of version 1.33, and what its pods run gives the rows",
    environment: "cluster",
    async run(context) {
      const manifest = join(scripts(context.root), "kubernetes-job.yaml");
      const script = await context.python("check_kubernetes", manifest, "fixtures/cluster/kubernetes-job-1.33.schema.json");
      return same(context, async ({ models, shards, output, parts, command }) => {
        for (let index = 0; index < shards; index++) {
          const env = { ...process.env, VGGTOOL: command, SOURCES: models, PARTS: parts, SHARDS: shards, JOB_COMPLETION_INDEX: index };
          await run("sh", ["-ec", script], { env });
        }
        const folders = Array.from({ length: shards }, (_, k) => join(parts, `${k + 1}-of-${shards}`));
        await context.vggtool("catalogue", "merge", ...folders, "-o", output);
      });
    },
  },
  {
    name: "catalogue: DuckDB answers the question of the page as the page says",
    environment: "cluster",
    async run({ out, root, vggtool, python }) {
      await vggtool("catalogue", join(root, "fixtures/demo"), join(root, "fixtures/interop"), "--hash", "-o", join(out, "zoo"));
      return python("check_duckdb", "docs/catalogue.md", join(out, "zoo"));
    },
  },
];
