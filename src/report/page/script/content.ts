import type { FindingData, PageData, StripData } from "../data.ts";
import { comparisonSection } from "./comparison.ts";
import { bulletList, element, section } from "./dom.ts";
import { filterSection, sheetSection } from "./filters.ts";
import { layerSection, topSection } from "./layers.ts";
import { ledgerSection } from "./ledger.ts";
import { tensorSection } from "./tensors.ts";

/** What a page has to say of a file, section by section. */
export function reportSections(data: PageData): readonly HTMLElement[] {
  return [
    ...(data.findings.length === 0 ? [] : [findingSection(data.findings)]),
    ...(data.strips.length === 0 ? [] : [stripSection(data.strips)]),
    ...(data.comparison === undefined ? [] : [comparisonSection(data.comparison)]),
    ...(data.layers === undefined ? [] : [layerSection(data.layers)]),
    ...(data.top.length === 0 ? [] : [topSection(data.top)]),
    ...(data.tensors === undefined ? [] : [tensorSection(data.tensors)]),
    ...(data.sheet === undefined ? [] : [sheetSection(data.sheet)]),
    ...(data.filters.length === 0 ? [] : [filterSection(data.filters)]),
    ...(data.ledger === undefined ? [] : [ledgerSection(data.ledger)]),
  ];
}

/** Links to sections. */
export function sectionLinks(sections: readonly HTMLElement[]): HTMLElement {
  return element(
    "nav",
    { attributes: { "aria-label": "Sections" } },
    element("ul", {}, ...sections.map((each) => element("li", {}, link(each)))),
  );
}

/** What the file is, in a few lines. */
export function reportFacts({ facts, verdict, evidence, assumed }: PageData): readonly HTMLElement[] {
  const more = [
    ["Why it is taken for that", evidence] as const,
    ["What is taken from a convention, and not from the file", assumed] as const,
  ];
  return [
    ...facts.map((fact) => element("p", {}, fact)),
    ...(verdict === undefined ? [] : [element("p", { class: verdict.good ? "good" : "error" }, verdict.text)]),
    ...more.flatMap(([title, items]) =>
      items.length === 0 ? [] : [element("details", {}, element("summary", {}, title), bulletList(items))],
    ),
  ];
}

function link(target: HTMLElement): HTMLElement {
  return element("a", { attributes: { href: `#${target.id}` } }, target.querySelector("h2")?.textContent ?? "");
}

function findingSection(findings: readonly FindingData[]): HTMLElement {
  return section(
    "findings",
    "Findings",
    ...findings.map(({ severity, code, message, layers, fix }) =>
      element(
        "div",
        { class: `finding ${severity}` },
        element("span", { class: "severity" }, `${severity}: `),
        element("strong", {}, code),
        element("p", {}, message),
        ...(layers.length === 0 ? [] : [element("p", { class: "key" }, layers.join(" "))]),
        ...(fix === undefined ? [] : [element("p", {}, element("strong", {}, "What to do: "), fix)]),
        element("p", {}, element("code", {}, `vggtool explain ${code}`)),
      ),
    ),
  );
}

function stripSection(strips: readonly StripData[]): HTMLElement {
  return section(
    "network",
    "The network",
    ...strips.map(({ name, blocks }) =>
      element("div", {}, element("h3", {}, name), element("ol", { class: "strip" }, ...blocks.map(blockItem))),
    ),
  );
}

function blockItem({ name, layers }: StripData["blocks"][number]): HTMLElement {
  const items = layers.map((layer) => element("li", { class: `layer ${layer.state}` }, layer.name, element("span", {}, layer.detail)));
  return element("li", { class: "block" }, element("h4", {}, name), element("ul", {}, ...items));
}
