import type { PageData } from "../../report/page/data.ts";
import { reportFacts, reportSections, sectionLinks } from "../../report/page/script/content.ts";
import { bulletList, element, number } from "../../report/page/script/dom.ts";
import type { FoundRow, GivenFile, LookOptions, TargetRow } from "../messages.ts";
import type { TaskBar } from "./task.ts";
import type { WorkerClient } from "./worker-client.ts";

/** JSON of more letters is saved and not shown: nobody reads it. */
const MOST_SHOWN = 4_000_000;

/** One checkpoint: what it is, and what can be done with it. */
export class CheckpointView {
  readonly element = element("article", { attributes: { "aria-label": "The checkpoint" } });
  readonly #client: WorkerClient;
  readonly #task: TaskBar;
  readonly #row: FoundRow;
  readonly #content = element("div", {});
  readonly #made = element("div", { class: "made" });
  #shown: LookOptions;

  constructor(client: WorkerClient, task: TaskBar, row: FoundRow, others: readonly FoundRow[]) {
    [this.#client, this.#task, this.#row] = [client, task, row];
    this.#shown = { source: row.source, values: false };
    this.element.append(this.#tools(others), this.#made, this.#content);
  }

  /** Shows what the checkpoint is. */
  async look(asked: Omit<LookOptions, "source"> = { values: false }): Promise<void> {
    const options = { ...asked, source: this.#row.source };
    const title = asked.other === undefined ? `Reading ${this.#row.name}` : `Comparing ${this.#row.name}`;
    const data = await this.#task.run(title, (watch) => this.#client.ask("look", options, watch));
    if (data === undefined) return;
    this.#shown = options;
    this.#show(data);
  }

  #show(data: PageData): void {
    const sections = reportSections(data);
    const heading = element("h2", { attributes: { id: "checkpoint-title", tabindex: "-1" } }, data.heading);
    this.#content.replaceChildren(heading, ...reportFacts(data), sectionLinks(sections), ...sections);
  }

  #tools(others: readonly FoundRow[]): HTMLElement {
    const compared = chooser(
      "Compare with",
      others.map(({ source, name }) => [source, name]),
    );
    const values = button("Read all values", () => this.look({ values: true, ...withOther(compared.select.value) }));
    compared.select.addEventListener("change", () => void this.look({ values: true, ...withOther(compared.select.value) }));
    return element(
      "div",
      { class: "controls", attributes: { role: "group", "aria-label": "What to do with it" } },
      values,
      ...(others.length === 0 ? [] : [compared.label]),
      this.#conversion(),
      button("Show JSON", () => this.#json()),
      button("Save as a report", () => this.#report()),
    );
  }

  #conversion(): HTMLElement {
    const target = chooser("Convert to", []);
    const fill = async (): Promise<void> => {
      const rows = await this.#client.ask("targets", null);
      target.select.append(...rows.map(({ id, title }: TargetRow) => element("option", { attributes: { value: id } }, `${id} (${title})`)));
    };
    void fill();
    const start = button("Convert", async () => {
      const to = target.select.value;
      if (to === "") return target.select.focus();
      const asked = { source: this.#row.source, to };
      const made = await this.#task.run(`Converting ${this.#row.name}`, (watch) => this.#client.ask("convert", asked, watch));
      if (made === undefined) return;
      this.#made.replaceChildren(
        element("h2", { attributes: { id: "made-title" } }, "Converted"),
        element("p", { class: "good" }, made.summary),
        bulletList(made.warnings),
        ...made.files.map(saveLink),
      );
    });
    return element("span", { class: "pair" }, target.label, start);
  }

  async #json(): Promise<void> {
    const text = await this.#task.run("Making JSON", (watch) => this.#client.ask("json", { source: this.#row.source }, watch));
    if (text === undefined) return;
    const file = { path: `${this.#row.name.replaceAll("/", "_")}.json`, bytes: new Blob([text], { type: "application/json" }) };
    const shown = text.length > MOST_SHOWN ? [] : [element("pre", { attributes: { id: "json", tabindex: "0" } }, text)];
    this.#made.replaceChildren(element("h2", {}, "JSON"), saveLink(file), ...shown);
  }

  async #report(): Promise<void> {
    const page = await this.#task.run("Making the report", (watch) => this.#client.ask("page", this.#shown, watch));
    if (page !== undefined) this.#made.replaceChildren(element("h2", {}, "Report"), saveLink(page));
  }
}

function withOther(source: string): { readonly other?: string } {
  return source === "" ? {} : { other: source };
}

/** A link that saves a file: what is in the page's storage goes to the disk without passing through memory. */
function saveLink({ path, bytes }: GivenFile): HTMLElement {
  const link = element("a", { class: "save", attributes: { href: URL.createObjectURL(bytes), download: path } }, `Save ${path}`);
  return element("p", {}, link, ` ${number(bytes.size)} bytes`);
}

function button(title: string, work: () => Promise<void> | void): HTMLButtonElement {
  const made = element("button", { attributes: { type: "button" } }, title);
  made.addEventListener("click", () => void work());
  return made;
}

function chooser(
  title: string,
  options: readonly (readonly [value: string, title: string])[],
): { readonly label: HTMLElement; readonly select: HTMLSelectElement } {
  const select = element(
    "select",
    {},
    element("option", { attributes: { value: "" } }, "–"),
    ...options.map(([value, text]) => element("option", { attributes: { value } }, text)),
  );
  return { label: element("label", {}, `${title} `, select), select };
}
