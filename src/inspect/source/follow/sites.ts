import type { LayerType } from "../vocabulary.ts";
import { matters, optionsOf, type Phase, type Site, type Value } from "./values.ts";

/** The places where layers are made, and where in the run of a class we are: which calls, branches, loops and methods we are in. */
export class Sites {
  readonly #made = new Map<string, Site>();
  #path = "";
  /** Functions of the file whose calls are being followed, as written. */
  readonly #helpers: string[] = [];
  #conditions = 0;
  /** Loops that we are in, and under how many conditions each began. */
  readonly #loops: { readonly id: number; readonly conditions: number }[] = [];
  #phase: Phase = "other";

  all(): readonly Site[] {
    return [...this.#made.values()];
  }

  clear(): void {
    this.#made.clear();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether what runs now may not happen: it is under a condition. */
  get conditional(): boolean {
    return this.#conditions > 0;
  }

  /** The innermost loop, unless something in it decides whether we come here. */
  get loop(): number | undefined {
    const inner = this.#loops.at(-1);
    return inner === undefined || inner.conditions !== this.#conditions ? undefined : inner.id;
  }

  branch(work: () => void, conditional: boolean): void {
    if (conditional) this.#conditions++;
    work();
    if (conditional) this.#conditions--;
  }

  /** `at`: where the loop is. */
  repeat(work: () => void, at: number): void {
    this.#loops.push({ id: at, conditions: this.#conditions });
    work();
    this.#loops.pop();
  }

  during(phase: Phase, work: () => void): void {
    const before = this.#phase;
    this.#phase = phase;
    work();
    this.#phase = before;
  }

  /** Calls from different places make different layers. */
  followed<T>(at: number, work: () => T): T {
    const before = this.#path;
    this.#path = `${before} ${at}`;
    const value = work();
    this.#path = before;
    return value;
  }

  /** Layers are known by the function of the file that makes them. */
  helped<T>(text: string, work: () => T): T {
    this.#helpers.push(text);
    const value = work();
    this.#helpers.pop();
    return value;
  }

  /** The layer made at a place of the text, the same one whenever the place is come to on the same way. */
  layer(text: string, at: number, types: readonly LayerType[], args: readonly Value[]): Value {
    const key = `${this.#path} ${at}`;
    const children = args.flatMap(optionsOf).filter((value) => matters(value) && value.kind !== "path");
    const known = this.#made.get(key);
    if (known !== undefined) {
      for (const child of children) known.children.add(child);
      return { kind: "layer", site: known };
    }
    const loop = this.loop;
    const site: Site = {
      maker: this.#helpers[0] ?? text,
      at,
      types: new Set(types),
      children: new Set(children),
      phase: this.#phase,
      sometimes: this.conditional,
      dropped: false,
      picked: false,
      taken: false,
      ...(loop !== undefined && { loop }),
    };
    this.#made.set(key, site);
    return { kind: "layer", site };
  }
}
