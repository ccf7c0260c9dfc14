import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { kindAt } from "../../io/regular.ts";

/** A folder whose node_modules holds engines, where they are not installed beside vggtool itself. */
export const ENGINES_VARIABLE = "VGGTOOL_ENGINES";

/** What happened when a package was imported; plain data, so that what is concluded from it can be tested without the package. */
export interface ImportFailure {
  /** Node's code: ERR_MODULE_NOT_FOUND, ERR_DLOPEN_FAILED …; undefined for a plain Error. */
  readonly code: string | undefined;
  readonly message: string;
}

export type Imported = { readonly module: unknown } | { readonly failure: ImportFailure };

/**
 * Imports a package that the person installs beside this one, or in the folder of VGGTOOL_ENGINES. Never looks into the
 * current folder: a checkpoint's folder may bring its own node_modules.
 */
export async function importOptional(name: string): Promise<Imported> {
  try {
    const found: unknown = await import(specifier(name));
    // Both engines are CommonJS: the package itself is the default export.
    const isWrapped = typeof found === "object" && found !== null && "default" in found;
    return { module: isWrapped ? found.default : found };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

/**
 * What `import()` takes: the file that a name means in the folder of VGGTOOL_ENGINES, or beside vggtool. Always a file: a name alone
 * would be looked for in the current folder by a process of its own (`subprocess.ts`). Throws where there is none.
 */
export function specifier(name: string): string {
  return pathToFileURL(createRequire(lookingFrom()).resolve(name)).href;
}

/** What an optional package says of its version; "?" where it does not. */
export function optionalVersion(name: string): string {
  const description = optionalPart(`${name}/package.json`);
  return typeof description === "object" && description !== null && "version" in description ? String(description.version) : "?";
}

/** A JSON or CommonJS file of an optional package; undefined where it is not there, or is kept to itself by "exports". */
export function optionalPart(path: string): unknown {
  try {
    return createRequire(lookingFrom())(path);
  } catch (error) {
    if (failureOf(error).code === undefined) throw error;
    return undefined;
  }
}

/** The folders in which optional packages are looked for, nearest first; those that exist. */
export function searchedFolders(): readonly string[] {
  return (createRequire(lookingFrom()).resolve.paths("sharp") ?? []).filter((folder) => kindAt(folder) === "folder");
}

function lookingFrom(): string {
  const folder = process.env[ENGINES_VARIABLE];
  return folder === undefined || folder === "" ? import.meta.url : join(resolve(folder), "package.json");
}

export function failureOf(error: unknown): ImportFailure {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return { code: code === "MODULE_NOT_FOUND" ? "ERR_MODULE_NOT_FOUND" : code, message: error.message };
}

/** What a value from such a package has under a name: nothing is known of its type. */
export function property(owner: unknown, key: string): unknown {
  return (typeof owner === "object" || typeof owner === "function") && owner !== null ? Reflect.get(owner, key) : undefined;
}
