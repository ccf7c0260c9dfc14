import type { Machine } from "./machine.ts";
import { optionsOf, type Plain, type Self, type Value } from "./values.ts";

/** The framework is told of a layer, or of a list that it watches. */
export function register(self: Self, value: Value): void {
  self.registered.add(value);
}

/** What becomes part of a list or of a container. */
export function addTo(holder: Value, values: readonly Value[]): void {
  const into = holder.kind === "plain" ? holder.plain.items : holder.kind === "layer" ? holder.site.children : undefined;
  for (const value of values)
    for (const option of optionsOf(value)) if (option.kind === "layer" || option.kind === "plain") into?.add(option);
}

/** Registers a layer, as the framework does on assignment; Keras also lists, tuples and dictionaries. */
export function setAttribute(holder: Value, name: string, value: Value, at: number, machine: Machine): void {
  if (holder.kind === "self") {
    const values = holder.self.attributes.get(name) ?? [];
    holder.self.attributes.set(name, values);
    values.push({ value, at });
    for (const option of optionsOf(value)) {
      const tracked =
        option.kind === "plain" && option.plain.container !== "object" && machine.scope.framework(holder.self.definition) === "keras";
      if (option.kind === "layer" || tracked) register(holder.self, option);
    }
  } else if (holder.kind === "layer") {
    holder.site.children.add(value);
  } else if (holder.kind === "plain") {
    holder.plain.items.add(value);
  }
}

/** A list of the layers and lists among some values; the rest does not matter here. */
export function plainOf(container: Plain["container"], values: readonly Value[]): Value {
  const items = values.flatMap(optionsOf).filter((value) => value.kind === "layer" || value.kind === "plain");
  return { kind: "plain", plain: { container, items: new Set(items) } };
}
