import { CheckpointError } from "../errors.ts";
import type { PageServer } from "../io/serve/server.ts";
import { type Checks, checkOptions, wholeNumber } from "./checks.ts";
import { spoken } from "./with-context.ts";

export interface ServeOptions {
  /** 0, or none, for any that is free. */
  readonly port?: number;
}

const serveChecks: Checks<ServeOptions> = { port: wholeNumber };

/**
 * Serves the page as an app, with the files of a folder, on this machine alone. The address has a token: whoever has it may read the
 * folder's files, and nobody else.
 *
 * @throws CheckpointError `not-found` and `usage` where `folder` is none, `io` where the port is taken.
 * @example
 * const { address, close } = await serveApp("zoo");
 * console.log(address);
 */
export async function serveApp(folder: string, options: ServeOptions = {}): Promise<PageServer> {
  return spoken(undefined, async () => {
    checkOptions("serveApp", options, serveChecks);
    const [{ kindAt }, { servePage }, { appPage }] = await Promise.all([
      import("../io/regular.ts"),
      import("../io/serve/server.ts"),
      import("../io/serve/page.ts"),
    ]);
    const kind = kindAt(folder);
    if (kind === undefined) throw new CheckpointError("not-found", "no such folder", { file: folder });
    if (kind !== "folder") throw new CheckpointError("usage", "this is a file, a folder was needed", { file: folder });
    return servePage(folder, await appPage(), options.port ?? 0);
  });
}
