import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type GoldenCase, readCase } from "./golden.ts";
import { fixtures } from "./paths.ts";

/** The cases under fixtures/FORMAT that have an expected.json, with their further entry files. */
export function fixtureCases(...formats: readonly string[]): readonly GoldenCase[] {
  return formats.flatMap((format) =>
    readdirSync(join(fixtures, format))
      .sort()
      .filter((name) => existsSync(join(fixtures, format, name, "expected.json")))
      .flatMap((name) => readCase(format, name, join(fixtures, format, name))),
  );
}
