import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROCESS_TIMEOUT, type Ran, root, vggtool } from "../support/cli.ts";
import { isRecord } from "../support/golden.ts";
import { fixtures } from "../support/paths.ts";

let folder: string;
let zoo: string;

const demo = (name: string): string => join(fixtures, "demo", name);
const copied = (name: string, as: string): void => {
  mkdirSync(dirname(join(zoo, as)), { recursive: true });
  copyFileSync(demo(name), join(zoo, as));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-many-"));
  zoo = join(folder, "zoo");
  copied("vgg16.pdparams", "paddle/vgg16.pdparams");
  copied("vgg_face.mat", "mat/vgg_face.mat");
  copied("vgg_16.ckpt.index", "slim/vgg_16.ckpt.index");
  copied("vgg_16.ckpt.data-00000-of-00001", "slim/vgg_16.ckpt.data-00000-of-00001");
  copied("vgg_face_question.pdparams", "question.pdparams");
  writeFileSync(join(zoo, "cut.pdparams"), readFileSync(demo("vgg16.pdparams")).subarray(0, 3000));
  writeFileSync(join(zoo, "README.md"), "# Zoo\n");
});

afterAll(() => rmSync(folder, { recursive: true }));

const order = ["cut.pdparams", "question.pdparams", "mat/vgg_face.mat", "paddle/vgg16.pdparams", "slim/vgg_16.ckpt.index"];

interface Line {
  readonly schema: unknown;
  readonly place: string;
  readonly whole: Readonly<Record<string, unknown>>;
}

/** The objects that were printed, one a line, each with the file that it speaks of below the zoo. */
function lines({ stdout }: Ran): readonly Line[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => {
      const whole: unknown = JSON.parse(line);
      if (!isRecord(whole)) throw new Error(`no object: ${line}`);
      const file = isRecord(whole.error) ? whole.error.file : whole.file;
      return { schema: whole.schema, place: typeof file === "string" ? relative(zoo, file) : "", whole };
    });
}

const summary = (ran: Ran) => lines(ran).at(-1)?.whole;
const times = (text: string): string => text.replaceAll(/"(seconds|first|load|other|selfTest|peakMemory)":[\d.]+/g, '"$1":0');

describe("inspect of a folder", () => {
  test(
    "prints a row for each checkpoint, reports the one that is damaged, and goes on",
    async () => {
      const { code, stdout, stderr } = await vggtool(["inspect", zoo]);
      const rows = stdout.trimEnd().split("\n");
      expect([code, rows.length, rows[0]?.trim().split(/ {2,}/)]).toEqual([
        2,
        5,
        ["file", "format", "network", "classes", "tensors", "parameters", "size", "findings"],
      ]);
      expect(rows.slice(1).map((row) => relative(zoo, row.split(/ {2,}/)[0] ?? ""))).toEqual(order.slice(1));
      expect(stderr).toContain("cut.pdparams: ");
      expect(stderr).toMatch(/^5 checkpoints in .*: 4 done, 1 failed; 1 other file skipped$/m);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "with --json prints each as it is printed alone, in one order, and the numbers last; threads change nothing",
    async () => {
      const one = await vggtool(["inspect", zoo, "--json"]);
      const three = await vggtool(["inspect", zoo, "--json", "--jobs", "3"]);
      expect(times(three.stdout)).toBe(times(one.stdout));
      expect(lines(one).map(({ place }) => place)).toEqual([...order, ""]);
      expect(lines(one)[0]?.schema).toBe("vggtool/error/1");
      expect(summary(one)).toMatchObject({ schema: "vggtool/summary/1", total: 5, done: 4, no: 0, failed: 1, skipped: 1, repeated: 0 });
      const alone = await vggtool(["inspect", join(zoo, "mat/vgg_face.mat"), "--json"]);
      expect(one.stdout.split("\n")[2]).toBe(alone.stdout.trimEnd());
      // What is alone has no summary.
      expect([alone.code, alone.stderr, alone.stdout.trimEnd().split("\n").length]).toEqual([0, "", 1]);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "answers no where a finding is as severe as --fail-on says, and could not be done counts more",
    async () => {
      const question = [join(zoo, "question.pdparams"), join(zoo, "mat/vgg_face.mat")];
      const no = await vggtool(["inspect", ...question, "--fail-on", "error", "--json"]);
      expect([no.code, summary(no)]).toMatchObject([1, { done: 1, no: 1, failed: 0 }]);
      const failed = await vggtool(["inspect", ...question, join(zoo, "cut.pdparams"), "--fail-on", "error", "--json"]);
      expect([failed.code, summary(failed)]).toMatchObject([2, { done: 1, no: 1, failed: 1 }]);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "a pattern and a list name the same",
    async () => {
      const list = join(folder, "list.txt");
      writeFileSync(list, [join(zoo, "mat"), join(zoo, "paddle/vgg16.pdparams")].join("\n"));
      const [pattern, listed] = await Promise.all([
        vggtool(["inspect", join(zoo, "{mat,paddle}/*"), "--json"]),
        vggtool(["inspect", `@${list}`, "--json"]),
      ]);
      expect([pattern.code, lines(pattern).map(({ place }) => place)]).toEqual([0, ["mat/vgg_face.mat", "paddle/vgg16.pdparams", ""]]);
      expect(times(listed.stdout)).toBe(times(pattern.stdout));
    },
    PROCESS_TIMEOUT,
  );
});

describe("convert --out-dir", () => {
  test(
    "writes the tree of what was named, and the bytes that each gives alone",
    async () => {
      const out = join(folder, "out");
      const ran = await vggtool(["convert", zoo, "--out-dir", out, "--to", "torch", "--jobs", "2", "--json", "--allow-missing"]);
      expect([ran.code, summary(ran)]).toMatchObject([2, { total: 5, done: 4, failed: 1 }]);
      const written = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".pth"));
      expect(written.sort()).toEqual(["mat/vgg_face.pth", "paddle/vgg16.pth", "question.pth", "slim/vgg_16.pth"]);
      const alone = join(folder, "alone.pth");
      await vggtool(["convert", join(zoo, "mat/vgg_face.mat"), "-o", alone]);
      expect(readFileSync(join(out, "mat/vgg_face.pth")).equals(readFileSync(alone))).toBe(true);
      const again = await vggtool(["convert", zoo, "--out-dir", out, "--to", "torch"]);
      expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("it is there already")]);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "refuses two that would have one name, also without capitals, before it writes anything",
    async () => {
      copyFileSync(demo("vgg16.pdparams"), join(zoo, "paddle/VGG16.PTH"));
      const out = join(folder, "clash");
      const { code, stderr } = await vggtool(["convert", join(zoo, "paddle"), "--out-dir", out]);
      rmSync(join(zoo, "paddle/VGG16.PTH"));
      expect([code, existsSync(out)]).toEqual([2, false]);
      expect(stderr).toMatch(/VGG16.PTH and .*vgg16.pdparams would both be written to it|vgg16.pdparams and .*VGG16.PTH would both/);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "is asked for where several would go to one output",
    async () => {
      const { code, stderr } = await vggtool(["convert", join(zoo, "mat/*"), join(zoo, "paddle/*"), "-o", join(folder, "x.npz")]);
      expect([code, stderr]).toEqual([2, expect.stringContaining("add --out-dir DIR")]);
      const two = join(folder, "two");
      mkdirSync(two);
      for (const name of ["vgg16.pdparams", "vgg_face.mat"]) copyFileSync(demo(name), join(two, name));
      const several = await vggtool(["convert", two, "-o", join(folder, "x.npz")]);
      expect([several.code, several.stderr]).toEqual([
        2,
        expect.stringContaining("the folder holds several checkpoints: vgg16.pdparams, vgg_face.mat"),
      ]);
    },
    PROCESS_TIMEOUT,
  );
});

describe("verify and diff of many", () => {
  test(
    "verify runs each, and those that are damaged or no whole network fail alone",
    async () => {
      const ran = await vggtool(["verify", zoo, "--json", "--jobs", "2"]);
      expect([ran.code, summary(ran)]).toMatchObject([2, { total: 5, done: 3, failed: 2 }]);
      const compared = await vggtool(["verify", join(zoo, "{mat,slim}"), join(zoo, "mat/vgg_face.mat"), "--json"]);
      expect([compared.code, lines(compared).map(({ whole }) => whole.pass)]).toEqual([0, [true, true, undefined]]);
    },
    PROCESS_TIMEOUT,
  );

  test(
    "diff --against compares each with one",
    async () => {
      const against = join(zoo, "mat/vgg_face.mat");
      const ran = await vggtool(["diff", join(zoo, "slim"), join(zoo, "question.pdparams"), "--against", against, "--json"]);
      expect([ran.code, lines(ran).map(({ place, whole }) => [place, whole.equal])]).toEqual([
        1,
        [
          ["slim/vgg_16.ckpt.index", true],
          ["question.pdparams", false],
          ["", undefined],
        ],
      ]);
      const table = await vggtool(["diff", join(zoo, "mat"), "--against", against]);
      expect([table.code, table.stdout]).toEqual([0, expect.stringMatching(/equal\s*$/)]);
      const three = await vggtool(["diff", against, against, against]);
      expect([three.code, three.stderr]).toEqual([2, expect.stringContaining("--against BASE")]);
    },
    PROCESS_TIMEOUT,
  );
});

test(
  "Ctrl-C ends all threads, and says what was not reached",
  async () => {
    const many = join(folder, "copies");
    mkdirSync(many);
    for (let k = 0; k < 80; k++) copyFileSync(demo("vgg_face.mat"), join(many, `${k}.mat`));
    const child = spawn(process.execPath, [join(root, "bin/vggtool"), "verify", many, "--jobs", "2", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.once("data", () => child.kill("SIGINT"));
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    const { total, done } = summary({ code: 130, stdout, stderr: "" }) ?? {};
    expect([code, total, Number(done) < 80]).toEqual([130, 80, true]);
  },
  PROCESS_TIMEOUT,
);
