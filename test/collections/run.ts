/**
 * The collections, fuzzers and fault jobs by name: what is too long for the unit tests, each whole by one command.
 *
 *     npm run collections                        the list
 *     npm run collections -- golden [options]    one of them; `--help` of each prints its options
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Collection {
  readonly name: string;
  /** Of its script, from this folder. */
  readonly file: string;
  readonly about: string;
}

const collections: readonly Collection[] = [
  { name: "golden", file: "golden.ts", about: "every golden checkpoint, listed and hashed: keys, dtypes, shapes, bytes" },
  { name: "real", file: "real.ts", about: "files from public repositories against recorded answers" },
  { name: "hostile", file: "hostile.ts", about: "files to refuse or to read with care: exit codes, time, memory" },
  { name: "remote", file: "remote.ts", about: "every golden checkpoint from a web server: the record that it gives from disk" },
  { name: "findings", file: "findings.ts", about: "complete networks must have no finding of severity error" },
  { name: "calibrate", file: "calibrate-findings.ts", about: "value findings over trained networks: right, wrong, silent" },
  {
    name: "recognition",
    file: "recognition.ts",
    about: "every golden network without a tensor, with foreign ones, under other names; hosts and files that hold no VGG",
  },
  { name: "convert", file: "convert-golden.ts", about: "every golden network against the canonical values, and there and back" },
  { name: "axes", file: "axes.ts", about: "hosts and networks that are no VGG in the axes of other frameworks: exact, or named" },
  { name: "like", file: "like-golden.ts", about: "every golden network into the form of every other" },
  {
    name: "hints",
    file: "hints.ts",
    about: "every printed piece of advice over goldens, hosts, faults that people met and hostile files, typed",
  },
  { name: "pairs", file: "pairs.ts", about: "every source format into every target format, counted in docs/interop.md" },
  { name: "verify", file: "verify-golden.ts", about: "every golden network run against its framework's logits" },
  { name: "fuzz", file: "../fuzz/fuzz.ts", about: "damaged files: every prefix, byte flips, random changes" },
  { name: "fuzz-guided", file: "../fuzz/fuzz-guided.ts", about: "damaged files, guided by the code that they reach" },
  { name: "fuzz-arguments", file: "../fuzz/arguments.ts", about: "command lines and JSON arguments, changed by chance" },
  { name: "faults", file: "../faults/faults.ts", about: "kills, full disks, changing sources, two runs at one output" },
];

function list(): string {
  const width = Math.max(...collections.map(({ name }) => name.length));
  return collections.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}\n`).join("");
}

const [name, ...rest] = process.argv.slice(2);
const chosen = collections.find((collection) => collection.name === name);
if (chosen === undefined) {
  const asked = name === undefined || name === "--help";
  (asked ? process.stdout : process.stderr).write(
    `${asked ? "" : `no collection "${name}"\n`}npm run collections -- NAME [options]\n${list()}`,
  );
  process.exitCode = asked ? 0 : 2;
} else {
  const script = fileURLToPath(new URL(chosen.file, import.meta.url));
  const { status } = spawnSync(process.execPath, ["--import", "tsx", script, ...rest], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
