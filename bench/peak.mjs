/** Loaded into a measured process with NODE_OPTIONS=--import: writes its peak memory (kB) to the file that PEAK_FILE names. */
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  if (process.env.PEAK_FILE) writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS));
});
