import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { openBytes } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { zip } from "../support/zip.ts";

/*
 * A dict with the key "a.b" and one with a dict {b} under "a" have the same path. Both tensors are listed: a state dict may hold either,
 * and nothing of a file is dropped. Pickles by hand.
 */

const text = (latin1: string): Uint8Array => Uint8Array.from(latin1, (char) => char.charCodeAt(0));
const item = (name: string, value: string): string => `U${String.fromCharCode(name.length)}${name}${value}s`;
/** One float32 of NumPy: numpy.core.multiarray._reconstruct, then its state (version, shape, dtype, fortran order, bytes). */
const array = (bytes: string): string =>
  "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR" +
  `(K\x01K\x01\x85cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04${bytes}tb`;
const one = array("\x00\x00\x80\x3f");
const two = array("\x00\x00\x00\x40");

/** "name value" of all tensors, then the notes. */
async function read(bytes: Uint8Array, name: string): Promise<readonly string[]> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await openBytes(bytes, name, ctx);
    const lines: string[] = [];
    const values = new Map([
      [await sha("\x00\x00\x80\x3f"), "1"],
      [await sha("\x00\x00\x00\x40"), "2"],
    ]);
    for (const tensor of checkpoint.tensors.values()) lines.push(`${tensor.name} ${values.get(await hash(tensor, ctx))}`);
    return [...lines, ...checkpoint.notes.map(({ code, message }) => `${code}: ${message}`)];
  } finally {
    await ctx.dispose();
  }
}

async function sha(value: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", text(value).slice())).toString("hex");
}

function npy(descr: string, shape: string, data: string): Uint8Array {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  return text(`\x93NUMPY\x01\x00${String.fromCharCode(header.length + 1)}\x00${header}\n${data}`);
}

/** An array of no dimensions of one Python object, as np.save writes a dict. */
function npyOf(object: string): Uint8Array {
  const state = "(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb";
  const made = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR";
  return npy("'|O'", "()", `\x80\x02${made}(K\x01)cnumpy\ndtype\n(U\x02O8K\x00K\x01tR${state}\x89]${object}atb.`);
}

const note = (path: string): string => `assumed: two tensors of the file have the path ${path}: the second is listed as ${path}#2`;
const both = ["a.b 1", "a.b#2 2", note("a.b")];

describe("keys that are joined in one place and nested in another", () => {
  test.each([
    ["joined first", (separator: string) => `}${item(`a${separator}b`, one)}${item("a", `}${item("b", two)}`)}`],
    ["nested first", (separator: string) => `}${item("a", `}${item("b", one)}`)}${item(`a${separator}b`, two)}`],
  ])("PyTorch, Paddle and NumPy: %s", async (_, make) => {
    const pickled = make(".");
    expect(await read(zip([{ name: "x/data.pkl", data: text(`\x80\x02${pickled}.`) }]), "m.pt")).toEqual(both);
    // Paddle's paths are joined with "/".
    expect(await read(text(`\x80\x02${make("/")}.`), "m.pdparams")).toEqual(["a/b 1", "a/b#2 2", note("a/b")]);
    expect(await read(npyOf(pickled), "m.npy")).toEqual(both);
  });

  test("an array of objects in an npz, and a member of that name", async () => {
    const plain = npy("'float32'", "(1,)", "\x00\x00\x00\x40");
    const members = [
      { name: "a.npy", data: npyOf(`}${item("b", one)}`) },
      { name: "a.b.npy", data: plain },
    ];
    expect(await read(zip(members), "m.npz")).toEqual(both);
    expect(await read(zip(members.toReversed()), "m.npz")).toEqual(["a.b 2", "a.b#2 1", note("a.b")]);
  });
});

describe("keys of bytes as Python 3 writes them in protocols 0 to 2: a call", () => {
  const encoded = (name: string): string => `c_codecs\nencode\n(X${String.fromCharCode(name.length)}\0\0\0${name}X\x06\0\0\0latin1tR`;

  test("go by the text that they are", async () => {
    const file = text(`\x80\x02}(${encoded("conv1_1")}}(${encoded("weights")}${one}X\x06\0\0\0biases${two}uu.`);
    expect(await read(file, "m.pkl")).toEqual(expect.arrayContaining(["conv1_1/weights 1", "conv1_1/biases 2"]));
  });

  test("are one key where they are equal", async () => {
    const file = text(`\x80\x02}(${encoded("a")}${one}${encoded("a")}${two}u.`);
    await expect(read(file, "m.pkl")).rejects.toMatchObject({ code: "malformed", message: expect.stringContaining("twice") });
  });
});
