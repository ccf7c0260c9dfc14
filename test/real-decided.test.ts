import { afterAll, expect, test } from "vitest";
import { createContext } from "../src/io/run.ts";
import type { Differences, Listed } from "./collections/real/compare.ts";
import { type Decided, judge, judgeRefusal, readDecided } from "./collections/real/decided.ts";
import { describedFile } from "./support/described-file.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const nothing: Decided = { reason: "inside an object", notListed: [], alsoListed: [], widened: [], refused: undefined };
const wanted = (name: string) => ({ name, shape: [6, 1], hashes: ["aa"] });
const listed = (name: string, digest: string): Listed => ({ name, shape: [2, 2], dtype: "float64", digest });
const noted = describedFile({ tensors: [], notes: [{ code: "unknown-object", message: "an object", tensor: "s.inner" }] });

async function left(decided: Partial<Decided>, found: Partial<Differences>, checkpoint = noted): Promise<Differences> {
  return judge({ ...nothing, ...decided }, { missing: [], extra: [], wrong: [], ...found }, checkpoint, ctx);
}

const none: Differences = { missing: [], extra: [], wrong: [] };

test("an array inside an object has to be named, and the object told", async () => {
  const missing = [wanted("s(1).inner(1).arr")];
  expect(await left({ notListed: ["s(1).inner(1).arr"] }, { missing })).toEqual(none);
  expect(await left({}, { missing })).toEqual({ ...none, missing });
  const other = [wanted("s(1).outer")];
  expect((await left({ notListed: ["s(1).outer"] }, { missing: other })).wrong).toEqual(["s(1).outer: neither listed nor told"]);
  expect((await left({ notListed: ["s(1).inner"] }, {})).wrong).toEqual(["s(1).inner: is in the table, and does not differ"]);
});

test("what the answer lacks has to have the values and the shape of the table", async () => {
  const alsoListed = [{ name: "sp", shape: [2, 2], sha256: "bb" }];
  const extra = [listed("sp", "bb")];
  expect(await left({ alsoListed }, { extra })).toEqual(none);
  expect((await left({ alsoListed }, { extra: [listed("sp", "cc")] })).wrong).toHaveLength(1);
  expect((await left({ alsoListed }, {})).wrong).toHaveLength(1);
  expect((await left({ alsoListed }, { extra: [...extra, listed("x", "dd")] })).extra).toEqual([listed("x", "dd")]);
});

test("other faults of a listed file stay faults, and so does another error", async () => {
  expect((await left({}, { wrong: ["shape of a"] })).wrong).toEqual(["shape of a"]);
  const refused: Decided = { ...nothing, refused: { code: "malformed", says: "twice" } };
  expect(judgeRefusal(refused, "malformed", "the field a is in one struct twice")).toEqual([]);
  expect(judgeRefusal(refused, "truncated", "the field a is in one struct twice")).toHaveLength(1);
  expect(judgeRefusal(refused, "malformed", "something else")).toHaveLength(1);
  expect((await left(refused, {})).wrong).toEqual(["is read, and listed as refused"]);
});

test("the table itself can be read", () => {
  expect(readDecided().size).toBeGreaterThan(0);
});
