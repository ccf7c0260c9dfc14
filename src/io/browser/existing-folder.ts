/** A page's folders are there when they are named. */
export function existingFolder(folder: string): string {
  return folder;
}

export function makeFolder(): void {}
