import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "..");

/** The pages of a folder, as its README lists them, named by their own titles. */
function pages(folder) {
  const names = readdirSync(join(docs, folder)).filter((name) => name.endsWith(".md") && name !== "README.md");
  return names.sort().map((name) => ({ text: title(join(folder, name)), link: `/${folder}/${name.replace(/\.md$/, "")}` }));
}

/** The first heading, without its marks. */
function title(page) {
  const line = readFileSync(join(docs, page), "utf8")
    .split("\n")
    .find((text) => text.startsWith("# "));
  return (line ?? page).replace(/^# |`/g, "");
}

const inside = ["architecture", "recognition", "decisions", "dependencies", "fuzzing"];
const reference = readdirSync(docs)
  .filter((name) => name.endsWith(".md"))
  .map((name) => name.replace(/\.md$/, ""))
  .filter((name) => name !== "index" && !inside.includes(name))
  .sort();
const list = (names) => names.map((name) => ({ text: title(`${name}.md`), link: `/${name}` }));

function sidebar(language, words) {
  const at = language === "" ? "" : `${language}/`;
  return [
    { text: words.tasks, link: `/${at}tasks/`, items: pages(`${at}tasks`) },
    { text: words.messages, link: `/${at}messages/`, items: pages(`${at}messages`) },
    { text: words.reference, items: list(reference) },
    { text: words.inside, items: list(inside) },
  ];
}

const english = { tasks: "I have X and want Y", messages: "Messages of frameworks", reference: "Reference", inside: "How it works" };
const chinese = { tasks: "我有 X，想要 Y", messages: "框架的报错信息", reference: "参考", inside: "内部原理" };

export default {
  title: "vggtool",
  description: "Opens, checks, converts and runs checkpoints of VGG networks of every framework",
  srcExclude: ["**/.vitepress/**"],
  rewrites: {
    "tasks/README.md": "tasks/index.md",
    "messages/README.md": "messages/index.md",
    "zh/tasks/README.md": "zh/tasks/index.md",
    "zh/messages/README.md": "zh/messages/index.md",
  },
  // Pages of the repository outside docs/ are no part of the site; every other link has to lead somewhere.
  ignoreDeadLinks: [/^(\.\.?\/)+(README|CHANGELOG|LICENSE)/, /^(\.\.?\/)+(bench|scripts|src|test|fixtures)\//],
  themeConfig: { search: { provider: "local" }, sidebar: sidebar("", english) },
  locales: {
    root: { label: "English", lang: "en" },
    zh: { label: "中文", lang: "zh", themeConfig: { sidebar: sidebar("zh", chinese) } },
  },
};
