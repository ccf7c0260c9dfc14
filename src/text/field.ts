import { CheckpointError } from "../errors.ts";
import { brief, shortened } from "./brief.ts";

/** A field of the JSON that --map names, with the way that led to it for error messages. */
export class MapField {
  readonly value: unknown;
  readonly path: string;

  constructor(value: unknown, path: string) {
    this.value = value;
    this.path = path;
  }

  fail(needed: string): CheckpointError {
    return new CheckpointError("usage", `--map: ${shortened(this.path, 160)} is ${brief(this.value)}, needed ${needed}`);
  }

  entries(): readonly (readonly [string, MapField])[] {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) throw this.fail("an object");
    return Object.entries(this.value).map(([key, value]) => [key, new MapField(value, `${this.path}.${key}`)] as const);
  }

  get(name: string): MapField {
    if (typeof this.value !== "object" || this.value === null || Array.isArray(this.value)) throw this.fail("an object");
    return new MapField(Object.getOwnPropertyDescriptor(this.value, name)?.value, `${this.path}.${name}`);
  }

  items(): readonly MapField[] {
    if (!Array.isArray(this.value)) throw this.fail("a list");
    return this.value.map((value: unknown, k) => new MapField(value, `${this.path}[${k}]`));
  }

  text(): string {
    if (typeof this.value !== "string") throw this.fail("text");
    return this.value;
  }

  number(): number {
    if (typeof this.value !== "number" || !Number.isFinite(this.value)) throw this.fail("a number");
    return this.value;
  }

  count(): number {
    const value = this.number();
    if (!Number.isSafeInteger(value) || value < 0) throw this.fail("a whole number");
    return value;
  }

  /** What `read` makes of the field, or an object without it where the field is absent. */
  optional<K extends string, T>(name: K, read: (field: MapField) => T): { readonly [P in K]?: T } {
    const field = this.get(name);
    if (field.value === undefined) return {};
    const made: { [P in K]?: T } = {};
    made[name] = read(field);
    return made;
  }
}
