import { formats } from "../formats.ts";
import { schemes } from "../model/schemes.ts";
import { targets } from "./target/targets.ts";

/** What can be read and written: the tables that the code itself runs on. */
export interface FormatsRecord {
  readonly schema: "vggtool/formats/1";
  readonly formats: readonly {
    readonly id: string;
    readonly title: string;
    readonly read: boolean;
    readonly write: boolean;
    /** Values of --to that write it. */
    readonly to: readonly string[];
    /** Endings of OUT. */
    readonly extensions: readonly string[];
    readonly example: string;
  }[];
  readonly schemes: readonly { readonly id: string; readonly title: string; readonly formats: readonly string[] }[];
}

export function formatsRecord(): FormatsRecord {
  return {
    schema: "vggtool/formats/1",
    formats: formats.map(({ id, title, example, read, write }) => {
      const own = targets.filter(({ format }) => format === id);
      return {
        id,
        title,
        read: read !== undefined,
        write: write !== undefined,
        to: [...new Set(own.map((target) => target.id))],
        extensions: own.flatMap(({ extensions }) => extensions),
        example,
      };
    }),
    schemes: schemes.map(({ id, title, formats: home }) => ({ id, title, formats: home })),
  };
}
