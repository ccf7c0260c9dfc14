import { resolve } from "./path.ts";

/** Whether two paths lead to the same place; a page has no links. */
export function samePath(a: string, b: string): boolean {
  return resolve(a) === resolve(b);
}

/** Whether `path` is `folder` or is below it. */
export function isInside(path: string, folder: string): boolean {
  const root = resolve(folder);
  return samePath(path, root) || resolve(path).startsWith(root === "/" ? root : `${root}/`);
}
