import type { Check, Finding, Subject } from "./findings/check.ts";

/** Every kind of finding. */
export const checks: readonly Check[] = [];

/** Runs the checks that need no more than the subject has. */
export async function audit(subject: Subject): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    if (check.needs === "headers" || subject.statistics !== undefined) findings.push(...(await check.run(subject)));
  }
  return findings;
}
