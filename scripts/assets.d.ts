/** What scripts/assets.mjs makes, for a checkout that is not built. */
declare module "#assets/manual" {
  /** docs/findings.md */
  export const findingsPage: string;
  /** docs/errors.md */
  export const errorsPage: string;
}
