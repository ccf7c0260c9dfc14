/** What scripts/assets.mjs makes, for a checkout that is not built. */
declare module "#assets/manual" {
  /** docs/findings.md */
  export const findingsPage: string;
  /** docs/errors.md */
  export const errorsPage: string;
}

declare module "#assets/page" {
  /** src/report/page/script as one text. */
  export const script: string;
  /** src/report/page/style.css */
  export const style: string;
  /** As a Content-Security-Policy names them. */
  export const scriptHash: string;
  export const styleHash: string;
}

declare module "#assets/helper" {
  /** src/library/threads/helper.ts as one text. */
  export const helper: string;
}
