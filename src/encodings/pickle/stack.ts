import { CheckpointError, type ErrorWhere } from "../../errors.ts";
import { Budget } from "./budget.ts";
import type { UsedEntries } from "./scan.ts";
import type { PickleValue } from "./values.ts";

/** The machine's memory: a stack with marks in it, and the memo of values to come back to. Whatever is put here is counted. */
export class PickleStack {
  readonly budget: Budget;
  readonly where: () => ErrorWhere;
  readonly #values: PickleValue[] = [];
  /** Heights of the stack at the open MARKs. */
  readonly #marks: number[] = [];
  readonly #memo: (PickleValue | undefined)[] = [];
  readonly #farMemo = new Map<number, PickleValue>();
  readonly #used: UsedEntries | undefined;
  /** Indices that were ever set: a run from `#firstIndex` up to before `#nextIndex`, and those outside it. */
  #firstIndex = 0;
  #nextIndex = 0;
  readonly #farIndices = new Set<number>();

  /** `length`: bytes of the pickle. `used`: the memo entries worth keeping; all where that is not known. `where` tells the place of the instruction being carried out. */
  constructor(length: number, used: UsedEntries | undefined, where: () => ErrorWhere) {
    this.budget = new Budget(length);
    this.#used = used;
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

  /** The last two values, in the order they were pushed. */
  popTwo(): PickleValue[] {
    const second = this.pop();
    return [this.pop(), second];
  }

  popThree(): PickleValue[] {
    const third = this.pop();
    const second = this.pop();
    return [this.pop(), second, third];
  }

  top(): PickleValue {
    const value = this.#values.at(-1);
    if (value === undefined) throw this.malformed("a pickle instruction needs a value and the stack is empty");
    return value;
  }

  replaceTop(value: PickleValue): undefined {
    this.pop();
    return this.push(value);
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
    const value = this.top();
    this.#count(index);
    if (this.#used?.has(index) === false) return;
    const memo = this.#memo;
    // Picklers count from 0 or 1; what jumps ahead is kept apart, so that no array of holes is made.
    if (this.#used === undefined && index <= memo.length + 1) {
      if (index > memo.length) memo.push(undefined);
      memo[index] = value;
    } else {
      this.#farMemo.set(index, value);
      this.budget.spend(50, this.where);
    }
    this.budget.hold(memo.length + this.#farMemo.size, this.where);
  }

  /** MEMOIZE puts at the number of entries that the memo has (CPython's load_memoize): setting one again adds none. */
  memoize(): undefined {
    return this.put(this.#nextIndex - this.#firstIndex + this.#farIndices.size);
  }

  /** Notes that an index is set. Picklers count up from 0 or 1, so nearly all indices extend the run. */
  #count(index: number): void {
    if (this.#nextIndex === this.#firstIndex) this.#firstIndex = this.#nextIndex = index;
    if (index === this.#nextIndex) {
      this.#farIndices.delete(index);
      this.#nextIndex += 1;
    } else if (index < this.#firstIndex || index > this.#nextIndex) {
      this.#farIndices.add(index);
      this.budget.hold(this.#farIndices.size, this.where);
    }
  }

  get(index: number): undefined {
    const value = this.#memo[index] ?? this.#farMemo.get(index);
    if (value === undefined) throw this.malformed(`memo entry ${index} is used before it is set`);
    return this.push(value);
  }
}
