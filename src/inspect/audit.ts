import { allZero } from "./findings/all-zero.ts";
import { amplified } from "./findings/amplified.ts";
import type { AuditSubject, Check, Finding, Severity } from "./findings/check.ts";
import { classesUnusual } from "./findings/classes-unusual.ts";
import { deadFilters } from "./findings/dead-filters.ts";
import { duplicateStorage } from "./findings/duplicate-storage.ts";
import { fcNotFlattened } from "./findings/fc-not-flattened.ts";
import { headReplaced } from "./findings/head-replaced.ts";
import { host } from "./findings/host.ts";
import { layersMissing } from "./findings/layers-missing.ts";
import { layersUnregistered } from "./findings/layers-unregistered.ts";
import { layoutSuspect } from "./findings/layout-suspect.ts";
import { looksInitial } from "./findings/looks-initial.ts";
import { mixedDtype } from "./findings/mixed-dtype.ts";
import { notFinite } from "./findings/not-finite.ts";
import { assumed, programUnread, quantised, truncatedShard, unknownObject, unsupportedTensor } from "./findings/notes.ts";
import { optimizerState } from "./findings/optimizer-state.ts";
import { textEncodedPickle } from "./findings/text-encoded-pickle.ts";

/** Every kind of finding. */
export const checks: readonly Check[] = [
  layersMissing,
  layersUnregistered,
  truncatedShard,
  unknownObject,
  unsupportedTensor,
  programUnread,
  quantised,
  amplified,
  mixedDtype,
  headReplaced,
  host,
  classesUnusual,
  textEncodedPickle,
  optimizerState,
  duplicateStorage,
  fcNotFlattened,
  assumed,
  notFinite,
  allZero,
  deadFilters,
  looksInitial,
  layoutSuspect,
];

const severities: readonly Severity[] = ["error", "warning", "info"];

/** Errors first; those of one severity stay in the order of the table. */
export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

/** Runs the checks that need no more than the subject has. */
export async function audit(subject: AuditSubject): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    if (check.needs === "headers" || subject.statistics !== undefined) findings.push(...(await check.run(subject)));
  }
  return findings;
}
