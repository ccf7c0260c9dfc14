import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    testTimeout: 20_000,
    reporters: ["default"],
    // The default leaves one core to the watcher, which is half of a small machine.
    maxWorkers: "100%",
  },
});
