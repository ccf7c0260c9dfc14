import { latin1 } from "../../../io/bytes.ts";
/** The descriptive text of a level 5 or v7.3 file. */
export function headerText(head: Uint8Array): string {
  const text = latin1(head.subarray(0, 116));
  const end = text.indexOf("\0");
  return (end < 0 ? text : text.slice(0, end)).trimEnd();
}
