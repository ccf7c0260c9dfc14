import { CheckpointError, type ErrorCode } from "../errors.ts";

type Sentence = readonly [code: ErrorCode, message: string, hint?: string];

/** What the operating system's codes mean to a person. */
const sentences: ReadonlyMap<string, Sentence> = new Map<string, Sentence>([
  ["ENOENT", ["not-found", "no such file or folder"]],
  ["ENOTDIR", ["not-found", "no such file: a part of the path is a file, not a folder"]],
  ["EACCES", ["io", "permission denied", "check the rights of the file and of its folder"]],
  ["EPERM", ["io", "the operation is not permitted"]],
  ["EISDIR", ["usage", "this is a folder, a file was needed"]],
  ["ENOSPC", ["io", "the disk is full", "free some space, or write somewhere else with -o"]],
  ["EDQUOT", ["io", "the disk quota is used up", "free some space, or write somewhere else with -o"]],
  ["EROFS", ["io", "the file system is read-only", "write somewhere else with -o"]],
  [
    "EIO",
    ["io", "the disk could not be read or written (input/output error)", "the disk may be failing: copy the file elsewhere and try again"],
  ],
  ["EMFILE", ["io", "too many open files", "raise the limit with ulimit -n"]],
  ["EADDRINUSE", ["io", "another program listens there", "choose another one with --port, or leave it out"]],
  ["EFBIG", ["io", "the file would be larger than the file system allows", "write somewhere else, or in parts with --max-shard-size"]],
  ["ENAMETOOLONG", ["usage", "the name is longer than the file system allows"]],
  ["ELOOP", ["io", "the links lead in a circle"]],
]);

export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof CheckpointError) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A failure of the operating system as a CheckpointError; anything without a system code is returned unchanged. */
export function fromSystem(error: unknown, file: string, offset?: number): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const [kind, sentence, hint] = sentences.get(code) ?? (["io", `the operating system refused (${code})`] as const);
  return new CheckpointError(kind, sentence, {
    file,
    cause: error,
    ...(offset === undefined ? {} : { offset }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What the operating system says of a path, wherever it was asked, as a CheckpointError; anything else is returned unchanged. */
export function refusedPath(error: unknown): unknown {
  if (systemCode(error) === undefined || !(error instanceof Error) || !("path" in error)) return error;
  return typeof error.path === "string" ? fromSystem(error, error.path) : error;
}
