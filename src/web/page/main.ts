import { element, fromBase64, number } from "../../report/page/script/dom.ts";
import type { FoundRow, GivenFile, Verbs } from "../messages.ts";
import { droppedFiles, pickedFiles } from "./dropped.ts";
import { TaskBar } from "./task.ts";
import { CheckpointView } from "./view.ts";
import { WorkerClient } from "./worker-client.ts";

/** Of a page that a program serves with a folder: where the folder's list is. */
const served = document.querySelector('meta[name="vggtool"]')?.getAttribute("content");
const allowed = typeof served === "string" ? "lets this page ask only the program that it comes from" : "forbids this page every request";
const client = await startWorker();
const task = new TaskBar();
const rowList = element("ul", { class: "found" });
const found = element(
  "section",
  { attributes: { "aria-labelledby": "found-title", hidden: "" } },
  element("h2", { attributes: { id: "found-title" } }, "Checkpoints"),
  rowList,
);
const view = element("div", {});

document.body.append(
  element("a", { class: "skip", attributes: { href: "#content" } }, "Skip to the content"),
  element(
    "header",
    {},
    element("h1", {}, "vggtool"),
    element("p", {}, `Reads, compares and converts checkpoints of VGG networks. They stay on this machine: the browser ${allowed}.`),
  ),
  element("main", { attributes: { id: "content", tabindex: "-1" } }, dropZone(), task.element, found, view),
);

if (typeof served === "string") await takeServed(served);

/** The worker is inside the page, in gzip and base64, or a module beside it. */
async function startWorker(): Promise<WorkerClient> {
  const embedded = document.getElementById("worker")?.textContent;
  if (embedded === undefined || embedded === null) {
    return new WorkerClient(`import ${JSON.stringify(new URL("worker.js", document.baseURI).href)};`, "module");
  }
  const bytes = new Blob([fromBase64(embedded)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new WorkerClient(await new Response(bytes).text(), "classic");
}

function dropZone(): HTMLElement {
  const zone = element(
    "section",
    { class: "drop", attributes: { "aria-label": "Files" } },
    element(
      "p",
      {},
      "Drop files or a folder here. What belongs together is found: shards, an index and its data, a prototxt and its weights.",
    ),
    element("div", { class: "controls" }, picker("Choose files", false), picker("Choose a folder", true), forgetButton()),
  );
  // Anywhere: a file that is dropped beside the zone would replace the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const { dataTransfer } = event;
    if (dataTransfer !== null) void take(droppedFiles(dataTransfer));
  });
  return zone;
}

function picker(title: string, folder: boolean): HTMLElement {
  const input = element("input", { attributes: { type: "file", multiple: "", ...(folder ? { webkitdirectory: "" } : {}) } });
  input.addEventListener("change", () => {
    if (input.files !== null) void take(Promise.resolve(pickedFiles(input.files)));
    // The same file may be chosen again.
    input.value = "";
  });
  return element("label", { class: "pick" }, title, input);
}

function forgetButton(): HTMLElement {
  const button = element("button", { attributes: { type: "button" } }, "Forget all");
  button.addEventListener("click", async () => {
    await client.ask("forget", null);
    showFound([], 0);
    view.replaceChildren();
  });
  return button;
}

async function take(files: Promise<readonly GivenFile[]>): Promise<void> {
  await showGiven(await task.run("Looking for checkpoints", async (watch) => client.ask("take", await files, watch)));
}

async function takeServed(name: string): Promise<void> {
  const address = new URL(name, document.baseURI).href;
  await showGiven(await task.run("Looking through the folder", (watch) => client.ask("serve", { address }, watch)));
}

async function showGiven(given: Verbs["take"]["given"] | undefined): Promise<void> {
  if (given === undefined) return;
  showFound(given.found, given.skipped);
  const [first] = given.found;
  if (first !== undefined) await open(first, given.found);
}

function showFound(rows: readonly FoundRow[], skipped: number): void {
  found.hidden = rows.length + skipped === 0;
  const items = rows.map((row) => {
    const button = element("button", { attributes: { type: "button" } }, row.name);
    button.addEventListener("click", () => void open(row, rows));
    const files = row.files === 1 ? "" : `${row.files} files, `;
    return element(
      "li",
      { attributes: { "data-source": row.source } },
      button,
      element("span", { class: "faint" }, ` ${files}${number(row.bytes)} bytes`),
    );
  });
  const rest =
    skipped === 0
      ? []
      : [element("li", { class: "faint" }, `${number(skipped)} other ${skipped === 1 ? "file is" : "files are"} no checkpoint`)];
  rowList.replaceChildren(...items, ...rest);
}

async function open(row: FoundRow, rows: readonly FoundRow[]): Promise<void> {
  for (const item of rowList.querySelectorAll("li")) {
    if (item.dataset.source === row.source) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
  const made = new CheckpointView(
    client,
    task,
    row,
    rows.filter((other) => other !== row),
  );
  view.replaceChildren(made.element);
  await made.look();
}
