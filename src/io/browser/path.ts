/* Paths of files that a page was given: those of POSIX, from one root. */

export const sep = "/";

export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

export function basename(path: string): string {
  return withoutSlash(path).split("/").at(-1) ?? "";
}

export function dirname(path: string): string {
  const trimmed = withoutSlash(path);
  if (trimmed === "") return isAbsolute(path) ? sep : ".";
  const slash = trimmed.lastIndexOf("/");
  return slash < 0 ? "." : withoutSlash(trimmed.slice(0, slash)) || "/";
}

export function extname(path: string): string {
  const name = basename(path);
  if (name === "..") return "";
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot);
}

export function join(...parts: readonly string[]): string {
  return normal(parts.filter((part) => part !== "").join("/"));
}

/** Below the root, which is where a page works. */
export function resolve(...parts: readonly string[]): string {
  const last = parts.findLastIndex(isAbsolute);
  return withoutSlash(normal(`/${parts.slice(Math.max(last, 0)).join("/")}`)) || "/";
}

export function relative(from: string, to: string): string {
  const [a, b] = [namesOf(resolve(from)), namesOf(resolve(to))];
  const differs = a.findIndex((name, k) => name !== b[k]);
  const shared = differs < 0 ? a.length : differs;
  return [...a.slice(shared).map(() => ".."), ...b.slice(shared)].join("/");
}

function namesOf(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "");
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/** Without empty names and ".", and without the names that ".." takes back. */
function normal(path: string): string {
  const names: string[] = [];
  for (const name of namesOf(path)) {
    if (name === ".") continue;
    const back = name === ".." && names.length > 0 && names.at(-1) !== "..";
    if (back) names.pop();
    else if (name !== ".." || !isAbsolute(path)) names.push(name);
  }
  const slash = path.endsWith("/") && names.length > 0 ? "/" : "";
  return isAbsolute(path) ? `/${names.join("/")}${slash}` : `${names.join("/") || "."}${slash}`;
}
