import type { PageData } from "../data.ts";
import { reportFacts, reportSections, sectionLinks } from "./content.ts";
import { element } from "./dom.ts";

const data: PageData = JSON.parse(document.getElementById("data")?.textContent ?? "");
document.title = data.title;

const sections = reportSections(data);
document.body.append(
  element("a", { class: "skip", attributes: { href: "#content" } }, "Skip to the content"),
  element("header", {}, element("h1", {}, data.heading), ...reportFacts(data)),
  sectionLinks(sections),
  element("main", { attributes: { id: "content", tabindex: "-1" } }, ...sections),
);
