import type { FileSet } from "./source/source.ts";

/** The files below `prefix` ("" or ending in "/") as a set of their own. */
export function subset(set: FileSet, prefix: string): FileSet {
  if (prefix === "") return set;
  return {
    name: `${set.name}/${prefix.slice(0, -1)}`,
    open: (name) => set.open(prefix + name),
    lacks: async (name) => (await set.lacks?.(prefix + name)) === true,
    async list() {
      const names = await set.list();
      return names?.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    },
  };
}
