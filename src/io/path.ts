/* Paths as the system writes them; `browser/path.ts` has those of POSIX. */
export { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
