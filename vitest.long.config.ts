import { defineConfig, mergeConfig } from "vitest/config";
import unit from "./vitest.config.ts";

/** What takes seconds each: every golden, pages in a browser, the commands of the documentation, kills. `npm run test:long`. */
export default mergeConfig(
  { ...unit, test: { ...unit.test, include: [], exclude: [] } },
  defineConfig({ test: { include: ["test/**/*.long.test.ts"] } }),
);
