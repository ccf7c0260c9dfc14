import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { kindAt } from "../../io/regular.ts";
import { ENGINES_VARIABLE } from "./optional-package.ts";

/** What has to be known to say where npm puts a package so that this program finds it. */
export interface Installation {
  /** The folder of this package. */
  readonly root: string;
  /** Of Node: global packages of npm are beside it. */
  readonly execPath: string;
  readonly cwd: string;
  /** What VGGTOOL_ENGINES says. */
  readonly engines: string | undefined;
  readonly exists: (path: string) => boolean;
}

/** The command that installs a package, with npm's options behind it, where this program looks for it; and the other way: a folder of one's own. */
export function installHint(spec: string): string {
  const here = thisInstallation();
  const command = installCommand(spec, here);
  if (here.engines !== undefined && here.engines !== "") return `${command} (${ENGINES_VARIABLE} names that folder)`;
  return `${command}, or let ${ENGINES_VARIABLE} name a folder whose node_modules has it`;
}

/** The command that runs the install script of a package that is there already, with options for it: `npm install` would not. */
export function rebuildHint(spec: string): string {
  return installCommand(spec, thisInstallation()).replace("npm install ", "npm rebuild ").replace(" --no-save", "");
}

/** The npm command for one installation: global, of a project, a checkout, or the folder of VGGTOOL_ENGINES. */
export function installCommand(spec: string, { root, execPath, cwd, engines, exists }: Installation): string {
  if (engines !== undefined && engines !== "") return `npm install ${spec} --prefix ${quoted(resolve(cwd, engines))}`;
  const modules = dirname(root);
  if (basename(modules) !== "node_modules") return `npm install ${spec} --no-save --prefix ${quoted(root)}`;
  const holder = dirname(modules);
  // npm keeps global packages in PREFIX/lib/node_modules, on Windows in PREFIX/node_modules; no project is there.
  if (!exists(join(holder, "package.json"))) {
    const prefix = basename(holder) === "lib" ? dirname(holder) : holder;
    const usual = prefix === dirname(dirname(execPath)) || prefix === dirname(execPath);
    return `npm install ${spec} --global${usual ? "" : ` --prefix ${quoted(prefix)}`}`;
  }
  return holder === cwd ? `npm install ${spec}` : `npm install ${spec} --prefix ${quoted(holder)}`;
}

function thisInstallation(): Installation {
  return {
    root: packageRoot(dirname(fileURLToPath(import.meta.url))),
    execPath: process.execPath,
    cwd: process.cwd(),
    engines: process.env[ENGINES_VARIABLE],
    exists: isFile,
  };
}

/** The nearest folder above that holds our package. */
function packageRoot(folder: string): string {
  for (let at = folder; dirname(at) !== at; at = dirname(at)) {
    if (isFile(join(at, "package.json")) && isFile(join(at, "bin", "vggtool"))) return at;
  }
  return folder;
}

function isFile(path: string): boolean {
  return kindAt(path) === "file";
}

function quoted(path: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(path) ? path : `"${path}"`;
}
