import { CheckpointError } from "../../errors.ts";
import { latin1, utf8 } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { T7Input } from "./input.ts";
import type { T7Object, T7Storage, T7Table, T7Tensor, T7Value } from "./value.ts";

/*
 * object   i32 type: 0 nil, 1 number (f64), 2 string (i32 length, bytes), 3 table, 4 torch object, 5 boolean (i32), 6 to 8 function
 * 3, 4, 6 to 8   i32 index; of one seen before nothing follows
 * table    i32 count, then key and value objects          function   i32 size, byte code, upvalues object
 * torch    string "V 1" (missing in old files), class name, payload by class:
 *   tensor   i32 dimensions, long sizes[], long strides[], long offset of the first element from 1, storage object or nil
 *   storage  long count, elements          tds.Vec, tds.Hash   long count, objects (values, or keys and values)
 *   others   one object, a table of fields
 * Facts: bshillingford/python-torchfile torchfile.py, lutzroeder/netron source/torch.js.
 */

/** Tables, objects, numbers and texts in one file, each some hundred bytes of memory; a network has some thousands. */
const maxValues = 1 << 20;
/** Longer texts are skipped and read as nil. */
const maxText = 1 << 16;
const maxDims = 64;

const elements: ReadonlyMap<string, NumericDType> = new Map<string, NumericDType>([
  ["Float", "float32"],
  ["Double", "float64"],
  ["Half", "float16"],
  ["Byte", "uint8"],
  ["Char", "int8"],
  ["Short", "int16"],
  ["Int", "int32"],
  ["Long", "int64"],
  ["", "float32"], // torch.CudaTensor
]);

/** What is being filled, with the number of values (entries of a table) that it still lacks; they go to the innermost one. */
type Frame =
  | { readonly kind: "table"; readonly table: T7Table; left: number; key: { readonly value: T7Value } | undefined; readonly value: T7Value }
  | { readonly kind: "list"; readonly table: T7Table; left: number; readonly value: T7Value }
  | { readonly kind: "payload"; readonly object: T7Object; left: number; readonly value: T7Value }
  | { readonly kind: "storage"; readonly tensor: T7Tensor; left: number; readonly value: T7Value }
  | { readonly kind: "upvalues"; readonly into: { upvalues: T7Value }; left: number; readonly value: T7Value };

/** Either a whole value, or one that is filled by what follows. */
type Read = { readonly value: T7Value } | Frame;

/** The object of a file, without the values of its tensors. Throws `truncated`, `malformed`, `unsupported`. */
export async function parseT7(input: T7Input, file: string, ctx: Context): Promise<T7Value> {
  const parser = new Parser(input, file);
  const stack: Frame[] = [];
  for (let count = 0; ; count += 1) {
    if (count > maxValues) parser.fail("unsupported", `more than ${maxValues} values in one file`);
    if (count % 4096 === 0) await ctx.tick(0);
    let read = await parser.value();
    for (;;) {
      if ("kind" in read && read.left > 0) {
        stack.push(read);
        break;
      }
      // Whole: deliver it, and close what it completes.
      const top = stack.pop();
      if (top === undefined) return read.value;
      parser.deliver(top, read.value);
      read = top;
    }
  }
}

class Parser {
  readonly #input: T7Input;
  readonly #file: string;
  readonly #seen = new Map<number, T7Value>();

  constructor(input: T7Input, file: string) {
    this.#input = input;
    this.#file = file;
  }

  fail(code: "malformed" | "unsupported", message: string, offset = this.#input.position): never {
    throw new CheckpointError(code, message, { file: this.#file, offset });
  }

  async value(): Promise<Read> {
    const input = this.#input;
    const start = input.position;
    const type = await input.int();
    switch (type) {
      case 0:
        return { value: null };
      case 1:
        return { value: await input.double() };
      case 2:
        return { value: (await this.#string()) ?? null };
      case 5:
        return { value: (await input.int()) !== 0 };
      case 3:
      case 4:
      case 6:
      case 7:
      case 8:
        break;
      default:
        return this.fail("malformed", `object type ${type}`, start);
    }
    const index = await input.int();
    const known = this.#seen.get(index);
    if (known !== undefined) return { value: known };
    if (type === 3) return this.#table(index);
    return type === 4 ? this.#object(index, start) : this.#function(index);
  }

  /** Hands a finished value to the frame that waits for it. */
  deliver(frame: Frame, value: T7Value): void {
    if (frame.kind === "table" && frame.key === undefined) {
      frame.key = { value };
      return;
    }
    frame.left -= 1;
    switch (frame.kind) {
      case "table":
        frame.table.entries.push([frame.key?.value ?? null, value]);
        frame.key = undefined;
        break;
      case "list":
        frame.table.entries.push([frame.table.entries.length + 1, value]);
        break;
      case "payload":
        frame.object.payload = value;
        break;
      case "storage":
        this.#join(frame.tensor, value);
        break;
      case "upvalues":
        frame.into.upvalues = value;
        break;
    }
  }

  #table(index: number): Promise<Frame> {
    const table: T7Table = { kind: "table", entries: [] };
    this.#seen.set(index, table);
    return this.#counted(table);
  }

  async #counted(table: T7Table): Promise<Frame> {
    const left = await this.#input.int();
    if (left < 0) this.fail("malformed", `a table of ${left} entries`);
    return { kind: "table", table, left, key: undefined, value: table };
  }

  async #function(index: number): Promise<Frame> {
    const size = await this.#input.int();
    if (size < 0) this.fail("malformed", `a function of ${size} bytes`);
    await this.#input.text(size, 0);
    const value = { kind: "function" as const, size, upvalues: null as T7Value };
    this.#seen.set(index, value);
    return { kind: "upvalues", into: value, left: 1, value };
  }

  async #object(index: number, start: number): Promise<Read> {
    const version = await this.#string();
    const className = version !== undefined && /^V \d+$/.test(version) ? await this.#string() : version;
    if (className === undefined || !/^[A-Za-z_][\w.]*$/.test(className))
      return this.fail("malformed", "an object without a class name", start);
    const builtin = /^torch\.(?:Cuda)?([A-Z][a-z]+)?(Tensor|Storage)$/.exec(className);
    const dtype = builtin === null ? undefined : elements.get(builtin[1] ?? "");
    if (dtype !== undefined && builtin?.[2] === "Storage") {
      const storage = await this.#storage(className, dtype);
      this.#seen.set(index, storage);
      return { value: storage };
    }
    if (dtype !== undefined) {
      const tensor = await this.#tensor(className, dtype, start);
      this.#seen.set(index, tensor);
      return { kind: "storage", tensor, left: 1, value: tensor };
    }
    if (className === "tds.Vec" || className === "tds.Hash") {
      const table: T7Table = { kind: "table", entries: [] };
      this.#seen.set(index, table);
      const left = await this.#input.long();
      if (left < 0) this.fail("malformed", `a ${className} of ${left} entries`);
      return className === "tds.Vec"
        ? { kind: "list", table, left, value: table }
        : { kind: "table", table, left, key: undefined, value: table };
    }
    const object: T7Object = { kind: "object", className, payload: null };
    this.#seen.set(index, object);
    return { kind: "payload", object, left: 1, value: object };
  }

  async #storage(className: string, dtype: NumericDType): Promise<T7Storage> {
    const count = await this.#input.long();
    if (count < 0) this.fail("malformed", `a storage of ${count} values`);
    return { kind: "storage", className, dtype, count, ...(await this.#input.numbers(count, dtype)) };
  }

  async #tensor(className: string, dtype: NumericDType, offset: number): Promise<T7Tensor> {
    const input = this.#input;
    const rank = await input.int();
    if (rank < 0 || rank > maxDims) this.fail("malformed", `a tensor of ${rank} dimensions`);
    const shape: number[] = [];
    const strides: number[] = [];
    for (let k = 0; k < rank; k += 1) shape.push(await input.long());
    for (let k = 0; k < rank; k += 1) strides.push(await input.long());
    const start = (await input.long()) - 1;
    if ([...shape, ...strides].some((n) => n < 0))
      this.fail("malformed", `a tensor of shape ${shape.join("x")} and strides ${strides.join("x")}`, offset);
    // Torch7 has no scalars: no dimensions is an empty tensor.
    return {
      kind: "tensor",
      className,
      dtype,
      shape: rank === 0 ? [0] : shape,
      strides: rank === 0 ? [1] : strides,
      start,
      storage: undefined,
      offset,
    };
  }

  /** Gives a tensor its storage; throws `malformed` where it reaches beyond it. */
  #join(tensor: T7Tensor, value: T7Value): void {
    const empty = tensor.shape.includes(0);
    if (value === null) {
      if (!empty) this.fail("malformed", `a tensor of ${tensor.shape.join("x")} without a storage`, tensor.offset);
      return;
    }
    if (typeof value !== "object" || value.kind !== "storage") {
      throw new CheckpointError("malformed", "a tensor whose storage is none", { file: this.#file, offset: tensor.offset });
    }
    if (value.dtype !== tensor.dtype) this.fail("malformed", `a ${tensor.className} over a ${value.className}`, tensor.offset);
    const last = tensor.shape.reduce((sum, n, axis) => sum + (n - 1) * (tensor.strides[axis] ?? 0), tensor.start);
    if (!empty && (tensor.start < 0 || last >= value.count)) {
      this.fail(
        "malformed",
        `a tensor of ${tensor.shape.join("x")} reaches element ${last + 1} of a storage of ${value.count}`,
        tensor.offset,
      );
    }
    tensor.storage = value;
  }

  /** Lua's strings are bytes: UTF-8 where they can be. undefined where the text is too long to keep. */
  async #string(): Promise<string | undefined> {
    const size = await this.#input.int();
    if (size < 0) this.fail("malformed", `a text of ${size} bytes`);
    const bytes = await this.#input.text(size, maxText);
    return bytes && decodeText(bytes);
  }
}

function decodeText(bytes: Uint8Array): string {
  const text = utf8(bytes);
  return text.includes("\uFFFD") ? latin1(bytes) : text;
}
