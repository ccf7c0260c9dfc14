/** Whether a text has what means other characters in a pattern: `*`, `?`, `[a]` or `{a,b}`. */
export function isPattern(text: string): boolean {
  return /[*?]|\[.+\]|\{.*,.*\}/s.test(text);
}
