/** Characters of a text that a message has room for. */
const longest = 60;

/** A value of JSON as a message can name it: short, whatever it is. */
export function brief(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(shortened(value));
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** At most `most` characters: the middle goes, since names differ at both ends. */
export function shortened(text: string, most = longest): string {
  if (text.length <= most || most < 5) return text;
  const characters = Array.from(text);
  if (characters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (most - 1 - head)).join("")}`;
}
