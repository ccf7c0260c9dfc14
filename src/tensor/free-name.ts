import type { Note } from "./checkpoint.ts";

/**
 * A name that nothing in `taken` has: the path itself, else with the first free number. Keys that are nested in one place and joined in
 * another (`a: {b}` and `a.b`) have one path, and both are values of the file.
 */
export function freeName(taken: { has(name: string): boolean }, path: string): string {
  if (!taken.has(path)) return path;
  let k = 2;
  while (taken.has(`${path}#${k}`)) k += 1;
  return `${path}#${k}`;
}

/** What a reader says of a tensor that `freeName` gave a number. */
export function renamedNote(path: string, name: string): Note {
  return { code: "assumed", message: `two tensors of the file have the path ${path}: the second is listed as ${name}`, tensor: name };
}
