import { optionsOf, type Site, type Value } from "./values.ts";
import type { LayerType } from "./vocabulary.ts";

/** The places where layers are made, and where in the run of a class we are: which calls, branches and methods we are in. */
export class Sites {
  readonly #made = new Map<string, Site>();
  #path = "";
  /** Functions of the file whose calls are being followed, as written. */
  readonly #helpers: string[] = [];
  #conditions = 0;
  #inForward = false;

  all(): readonly Site[] {
    return [...this.#made.values()];
  }

  clear(): void {
    this.#made.clear();
  }

  /** Whether what runs now may not happen: it stands under a condition. */
  get conditional(): boolean {
    return this.#conditions > 0;
  }

  branch(work: () => void, conditional: boolean): void {
    if (conditional) this.#conditions++;
    work();
    if (conditional) this.#conditions--;
  }

  forward(work: () => void): void {
    this.#inForward = true;
    work();
    this.#inForward = false;
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
    const children = args.flatMap(optionsOf).filter((value) => value.kind === "layer" || value.kind === "plain");
    const known = this.#made.get(key);
    if (known !== undefined) {
      for (const child of children) known.children.add(child);
      return { kind: "layer", site: known };
    }
    const forward = this.#inForward ? (this.conditional ? ("sometimes" as const) : ("always" as const)) : undefined;
    const site: Site = {
      maker: this.#helpers[0] ?? text,
      at,
      types: new Set(types),
      children: new Set(children),
      ...(forward && { forward }),
    };
    this.#made.set(key, site);
    return { kind: "layer", site };
  }
}
