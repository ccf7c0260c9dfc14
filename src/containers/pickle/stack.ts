import { CheckpointError, type ErrorWhere } from "../../errors.ts";
import { Budget } from "./budget.ts";
import type { PickleValue } from "./values.ts";

/** The machine's memory: a stack with marks in it, and the memo of values to come back to. Whatever is put here is counted. */
export class PickleStack {
  readonly budget = new Budget();
  readonly where: () => ErrorWhere;
  readonly #values: PickleValue[] = [];
  /** Heights of the stack at the open MARKs. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();

  /** `where` tells the place of the instruction being carried out. */
  constructor(where: () => ErrorWhere) {
    this.where = where;
  }

  malformed(message: string): CheckpointError {
    return new CheckpointError("malformed", message, this.where());
  }

  push(value: PickleValue): undefined {
    this.#values.push(value);
    this.budget.hold(this.#values.length, this.where);
  }

  /** Pushes a value that takes about `bytes` of memory of its own. */
  make(value: PickleValue, bytes: number): undefined {
    this.budget.spend(bytes, this.where);
    this.push(value);
  }

  pop(): PickleValue {
    const floor = this.#marks.at(-1) ?? 0;
    const value = this.#values.length > floor ? this.#values.pop() : undefined;
    if (value === undefined) throw this.malformed("a pickle instruction needs a value and the stack is empty");
    return value;
  }

  /** The last `count` values, in the order they were pushed. */
  popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  top(): PickleValue {
    const value = this.#values.at(-1);
    if (value === undefined) throw this.malformed("a pickle instruction needs a value and the stack is empty");
    return value;
  }

  mark(): undefined {
    this.#marks.push(this.#values.length);
    this.budget.hold(this.#marks.length, this.where);
  }

  /** All values above the last MARK. */
  popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.malformed("a pickle instruction needs a MARK and there is none");
    return this.#values.splice(mark);
  }

  /** POP takes a value, or the MARK where that is on top. */
  drop(): undefined {
    if (this.#marks.at(-1) === this.#values.length) this.#marks.pop();
    else this.pop();
  }

  put(index: number): undefined {
    this.#memo.set(index, this.top());
    this.budget.spend(40, this.where);
    this.budget.hold(this.#memo.size, this.where);
  }

  memoize(): undefined {
    return this.put(this.#memo.size);
  }

  get(index: number): undefined {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.malformed(`memo entry ${index} is used before it is set`);
    return this.push(value);
  }
}
