import type { FormatsRecord } from "../convert/formats-record.ts";
import type { Style } from "./style.ts";
import { table } from "./table.ts";

/** What `vggtool formats` prints: the formats with what is done with them, then the naming schemes. */
export function formatsText(record: FormatsRecord, { paint }: Style): string {
  const formats = table(
    [{ title: "format" }, { title: "read" }, { title: "write" }, { title: "what it is" }, { title: "example" }],
    record.formats.map((format) => [
      format.id,
      format.read ? "yes" : "",
      format.to.map((id) => `--to ${id}`).join(" "),
      format.title,
      paint.faint(format.example),
    ]),
    paint.faint,
  );
  const schemes = table(
    [{ title: "scheme" }, { title: "whose names and axes" }, { title: "formats" }],
    record.schemes.map((scheme) => [scheme.id, scheme.title, scheme.formats.join(" ")]),
    paint.faint,
  );
  return `${formats}\n\n${schemes}`;
}
