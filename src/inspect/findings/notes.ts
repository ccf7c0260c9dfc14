import type { Assumption } from "../../model/assumption.ts";
import type { AuditSubject, Check, Finding, Severity } from "./check.ts";

/** What readers saw: their notes of one code, as findings. */
function noted(code: string, severity: Severity, title: string): Check {
  return {
    code,
    title,
    needs: "headers",
    async run({ checkpoint }) {
      return checkpoint.notes
        .filter((note) => note.code === code)
        .map(
          (note): Finding => ({
            code,
            severity,
            message: note.message,
            layers: note.tensor === undefined ? [] : [note.tensor],
            ...(note.fix !== undefined && { fix: note.fix }),
          }),
        );
    },
  };
}

export const unknownObject = noted("unknown-object", "warning", "objects of classes that are not read");
export const unsupportedTensor = noted("unsupported-tensor", "warning", "arrays of a kind that is not read: sparse, nested, objects");
export const truncatedShard = noted("truncated-shard", "warning", "one file of a set that is not complete");

export const programUnread = noted("program-unread", "warning", "a program beside its parameters that could not be used");
export const quantised = noted("quantised", "warning", "values kept as small integers, given as what their scales make of them");

const readersAssumed = noted("assumed", "info", "");

/** The record lists them all; a finding is what may be otherwise in a file of this kind. */
function shown(of: Assumption["of"], { checkpoint }: AuditSubject): boolean {
  if (of === "flatten") return checkpoint.conventions.plain === true;
  return of !== "colours" && of !== "moments";
}

/** What a file does not say and was taken from its convention: by the reader, or by the recognition of the network. */
export const assumed: Check = {
  code: "assumed",
  title: "what the file does not say and was taken from its convention",
  needs: "headers",
  async run(subject) {
    const risky = (subject.identity?.assumed ?? []).filter(({ of }) => shown(of, subject));
    const own = risky.map(
      ({ what, grounds, switch: other }): Finding => ({
        code: "assumed",
        severity: "info",
        message: `${what}: ${grounds}`,
        layers: [],
        ...(other !== null && { fix: `for the other meaning: convert with ${other}` }),
      }),
    );
    return [...(await readersAssumed.run(subject)), ...own];
  },
};
