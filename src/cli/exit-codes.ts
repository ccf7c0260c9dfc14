/** What the process tells a script; part of the command-line contract. */
export const exitCodes = {
  /** Done, or the answer is yes. */
  done: 0,
  /** The answer is no: verify, diff, or an audit that was asked to fail. */
  no: 1,
  /** Could not do it: usage, or an input that cannot be read. */
  failed: 2,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
