import { ensureBuilt } from "./cli.ts";

/** Once, before any test file runs: several that build at the same time would meet each other's halves. */
export default function setup(): void {
  ensureBuilt();
}
