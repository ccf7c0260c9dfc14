import { script, scriptHash, style, styleHash } from "#assets/page";
import type { VerifyRecord } from "../../verify/record.ts";
import type { PageData } from "./data.ts";
import { reportData } from "./model.ts";
import type { ReportRecord } from "./record.ts";
import { SeenPictures } from "./seen.ts";
import { verifyData } from "./verify-model.ts";

/**
 * The report of a checkpoint as one page that asks for nothing: its script, its style and its data are inside, and nothing else may run
 * or be fetched (Content-Security-Policy). What the file says is data: it becomes text, never markup.
 */
export function reportPage(record: ReportRecord): string {
  return page(reportData(record));
}

/** The same of a run: activations and errors layer by layer, the pictures and their classes. */
export function verifyPage(record: VerifyRecord, seen = new SeenPictures()): string {
  return page(verifyData(record, seen));
}

function page(data: PageData): string {
  const policy = `default-src 'none'; script-src '${scriptHash}'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>vggtool report</title>
<style>${style}</style>
</head>
<body>
<noscript><p>This page draws what it shows with a script of its own, which is switched off here.</p></noscript>
<svg id="drawing" hidden></svg>
<script type="application/json" id="data">${inert(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON that no parser of HTML takes for the end of its element, or for a comment. */
function inert(data: PageData): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
