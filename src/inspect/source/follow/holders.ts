import type { Machine } from "./machine.ts";
import { anyOf, matters, optionsOf, type Plain, type Self, type Value } from "./values.ts";

/** The framework registers a layer, or a list that it watches. `once`: under one name in a loop, where each replaces the one before. */
export function register(
  self: Self,
  value: Value,
  once?: { readonly attribute: string; readonly at: number; readonly loop: number | undefined },
): void {
  for (const option of optionsOf(value)) {
    const replaced = once?.loop !== undefined && option.kind === "layer" && option.site.loop === once.loop;
    if (replaced && once !== undefined) self.replaced.set(option.site, { attribute: once.attribute, at: once.at });
    else self.registered.add(option);
  }
}

/** What becomes part of a list or of a container. */
export function addTo(holder: Value, values: readonly Value[]): void {
  const into = holder.kind === "plain" ? holder.plain.items : holder.kind === "layer" ? holder.site.children : undefined;
  for (const value of values) for (const option of optionsOf(value)) if (matters(option)) into?.add(option);
}

/** Registers a layer, as the framework does on assignment; some also register lists, tuples and dictionaries. */
export function setAttribute(holder: Value, name: string, value: Value, at: number, machine: Machine): void {
  if (holder.kind === "self") {
    keep(holder.self, name, value, at);
    const framework = machine.classes.framework(holder.self.definition);
    for (const option of optionsOf(value)) {
      if (option.kind === "layer" && framework?.within !== undefined && machine.within.depth === 0) {
        holder.self.outside.set(option.site, { attribute: name, at });
      } else if (option.kind === "layer") {
        register(holder.self, option, { attribute: name, at, loop: machine.sites.loop });
      } else if (option.kind === "plain" && framework?.tracks.includes(option.plain.container) === true) {
        register(holder.self, option);
      }
    }
  } else if (holder.kind === "layer") {
    holder.site.children.add(value);
    machine.givenToLayers.push({ holder: holder.site, attribute: name, value, at });
  } else if (holder.kind === "plain") {
    addTo(holder, [value]);
  }
}

/** setattr with a name that changes: layers are registered, and lists are not. */
export function setVarying(holder: Extract<Value, { kind: "self" }>, value: Value, at: number, machine: Machine): void {
  const framework = machine.classes.framework(holder.self.definition);
  for (const option of optionsOf(value)) {
    if (option.kind === "plain" && framework?.tracks.includes(option.plain.container) !== true)
      keep(holder.self, "that setattr sets", option, at);
    else if (framework?.within !== undefined && machine.within.depth === 0 && option.kind === "layer")
      holder.self.outside.set(option.site, { attribute: "that setattr sets", at });
    else register(holder.self, option);
  }
}

/** An attribute has a value, whatever the framework makes of it. */
export function keep(self: Self, name: string, value: Value, at: number): void {
  const values = self.attributes.get(name) ?? [];
  self.attributes.set(name, values);
  values.push({ value, at });
}

/** A list of the layers and lists among some values, and of what makes them; the rest does not matter here. */
export function plainOf(container: Plain["container"], values: readonly Value[]): Value {
  return { kind: "plain", plain: { container, items: new Set(values.flatMap(optionsOf).filter(matters)) } };
}

/** The layers among some values: what a function that nobody knows is given, it may give back. */
export function layersAmong(values: readonly Value[]): Value {
  return anyOf(values.flatMap(optionsOf).filter((value) => value.kind === "layer"));
}
