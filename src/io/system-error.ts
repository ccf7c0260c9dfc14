import { CheckpointError, type ErrorCode } from "../errors.ts";

/** What the operating system's codes mean to a person. */
const sentences: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map<string, readonly [ErrorCode, string]>([
  ["ENOENT", ["not-found", "no such file or folder"]],
  ["ENOTDIR", ["not-found", "no such file: a part of the path is a file, not a folder"]],
  ["EACCES", ["io", "permission denied"]],
  ["EPERM", ["io", "the operation is not permitted"]],
  ["EISDIR", ["usage", "this is a folder, a file was needed"]],
  ["ENOSPC", ["io", "the disk is full"]],
  ["EDQUOT", ["io", "the disk quota is used up"]],
  ["EROFS", ["io", "the file system is read-only"]],
  ["EIO", ["io", "the disk could not be read or written (input/output error)"]],
  ["EMFILE", ["io", "too many open files"]],
  ["EFBIG", ["io", "the file would be larger than the file system allows"]],
  ["ENAMETOOLONG", ["usage", "the name is longer than the file system allows"]],
  ["ELOOP", ["io", "the links lead in a circle"]],
]);

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A failure of the operating system as a CheckpointError; anything without a system code is returned unchanged. */
export function fromSystem(error: unknown, file: string, offset?: number): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const [kind, sentence] = sentences.get(code) ?? (["io", `the operating system refused (${code})`] as const);
  return new CheckpointError(kind, sentence, { file, cause: error, ...(offset === undefined ? {} : { offset }) });
}
