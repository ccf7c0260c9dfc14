import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { specialKind } from "../regular.ts";
import { fromSystem, systemCode } from "../system-error.ts";

/** Where an output's bytes go. */
export interface AtPlace {
  /** The path itself, or what it leads to where it is a link: the link stays, and its target is replaced. */
  readonly path: string;
  /** The regular file that is there already. */
  readonly old: Stats | undefined;
}

/** What is at an output's path. Throws `usage` for all that no file can take the place of: a folder, a device, a pipe, a socket, a link to nothing. */
export function atPlace(path: string): AtPlace {
  const own = look(path, lstatSync);
  if (own === undefined) {
    refuseDanglingFolder(path);
    return { path, old: undefined };
  }
  const old = own.isSymbolicLink() ? look(path, statSync) : own;
  if (old === undefined) throw danglingLink(path, path);
  if (old.isDirectory()) throw new CheckpointError("usage", "a folder is there, a file was needed", { file: path });
  if (!old.isFile()) {
    throw new CheckpointError("usage", `${specialKind(old)} is there, which no file replaces, with --force neither`, {
      file: path,
      hint: "choose another name with -o",
    });
  }
  return { path: own.isSymbolicLink() ? realpathSync(path) : path, old };
}

/** A folder on the way that is a link to nothing could not be made. */
function refuseDanglingFolder(path: string): void {
  for (let folder = dirname(path); look(folder, statSync) === undefined && dirname(folder) !== folder; folder = dirname(folder)) {
    if (look(folder, lstatSync)?.isSymbolicLink() === true) throw danglingLink(path, folder);
  }
}

function danglingLink(path: string, link: string): CheckpointError {
  return new CheckpointError("usage", `${link} is a link to ${readlinkSync(link)}, which is not there`, {
    file: path,
    hint: `remove the link, or choose another name with -o`,
  });
}

function look(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return undefined;
    throw fromSystem(error, path);
  }
}
