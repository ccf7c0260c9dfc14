import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // vitest.long.config.ts runs those: `npm run test:long`.
    exclude: ["**/*.long.test.ts", "**/node_modules/**"],
    globalSetup: ["test/support/build.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ["default"],
    // The default leaves one core to the watcher, which is half of a small machine.
    maxWorkers: "100%",
    // One module graph a worker: loading it anew for each of a hundred files takes a third of the time. Tests hold no state in modules.
    isolate: false,
  },
});
