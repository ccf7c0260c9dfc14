import { exitCodes } from "./exit-codes.ts";

/** Ctrl-C and a polite kill ask the work to stop, so that it can tidy up; a second Ctrl-C does not wait for that. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  return controller.signal;
}
