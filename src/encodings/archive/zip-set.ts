import type { Context } from "../../io/context.ts";
import type { FileSet } from "../../io/source/source.ts";
import { archiveSet } from "./archive-set.ts";
import { checkedMember, type ZipArchive } from "./zip.ts";

/** Members up to this size are read whole when they are read at all: no more than the copy of a decoding takes over at a time. */
const SMALL = 1 << 20;

/**
 * The members as a set of files; names that lead outside (`../x`) are not in it. Large ones can be read at any place, and their
 * checksums are compared where values will be read: a listing reads headers alone.
 */
export function zipSet(archive: ZipArchive, ctx: Context): FileSet {
  return archiveSet(archive.name, [...archive.entries.keys()], async (name) => {
    const entry = archive.entries.get(name);
    if (entry === undefined || entry.size <= SMALL) return archive.open(name);
    const member = await archive.openUnchecked(name);
    if (member === undefined) return undefined;
    const random = ctx.random(member);
    return ctx.values ? checkedMember(random, entry) : random;
  });
}
