import type { GivenFile } from "../messages.ts";

/** Files below a dropped folder; a disk is not a checkpoint. */
const MOST = 20_000;

/** The files of a drop, those in folders with the path below what was dropped. */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly GivenFile[]> {
  // The list is gone when the event is over: all entries are taken before anything is awaited.
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return pickedFiles(transfer.files);
  const found: GivenFile[] = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

/** The files of a file picker. */
export function pickedFiles(files: Iterable<File>): readonly GivenFile[] {
  return [...files].map((file) => ({ path: `/${file.webkitRelativePath || file.name}`, bytes: file }));
}

async function walk(entry: FileSystemEntry, found: GivenFile[]): Promise<void> {
  if (found.length >= MOST) return;
  if (isFile(entry)) {
    found.push({ path: entry.fullPath, bytes: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) });
  } else if (isFolder(entry)) {
    for (const inside of await listed(entry)) await walk(inside, found);
  }
}

/** A reader gives a hundred entries at a time, and none at the end. */
async function listed(folder: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
