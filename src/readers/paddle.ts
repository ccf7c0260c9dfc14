import type { Reader } from "../containers/probe.ts";
import { readPickled } from "./paddle/pickled.ts";

export const reader: Reader = {
  async detect(probe) {
    return probe.container === "pickle" ? "maybe" : undefined;
  },
  read: (probe) => readPickled(probe.source, probe.entry),
};
