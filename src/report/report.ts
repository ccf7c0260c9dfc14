/**
 * Records as text, and as the JSON of the command line. `plain` is a style without colours for 80 columns.
 *
 * @example
 * import { inspectText, plain } from "vggtool/report";
 * console.log(inspectText(await inspect("vgg16.pth"), plain));
 */

export { convertText, planText } from "./convert.ts";
export { devicesText } from "./devices.ts";
export { diffText } from "./diff.ts";
export { doctorText } from "./doctor.ts";
export { type ExplainRecord, explainCode, explanationText } from "./explain.ts";
export { formatsText } from "./formats.ts";
export { type InspectTextOptions, inspectBlocks, inspectText } from "./inspect.ts";
export { jsonPieces, toJson } from "./json.ts";
export { reportPage, verifyPage } from "./page/page.ts";
export { sarif } from "./sarif.ts";
export { sourceText } from "./source.ts";
export { count, duration, type Paint, plain, type Style, visible, visibleWithin } from "./style.ts";
export { verifyText } from "./verify.ts";
