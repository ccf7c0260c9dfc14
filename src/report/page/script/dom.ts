/** Elements without markup: what comes from the file becomes text. */

export type Child = Node | string;

export interface Props {
  readonly class?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (props.class !== undefined) made.className = props.class;
  for (const [name, value] of Object.entries(props.attributes ?? {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The page has one drawing, so that its script need not spell out the namespace, which looks like an address. */
function drawing(): Element {
  const found = document.getElementById("drawing");
  if (found === null) throw new Error("the page lacks its drawing");
  return found;
}

/** Bars from left to right as one shape; `heights` from 0 to 1. */
export function bars(heights: readonly number[], label: string, large = false): SVGElement {
  const space = drawing().namespaceURI;
  const made = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  const step = 640 / Math.max(1, heights.length);
  const gap = heights.length > 200 ? 0 : step * 0.08;
  path.setAttribute(
    "d",
    heights
      .map((height, k) =>
        height <= 0 ? "" : `M${(k * step).toFixed(1)} 100v${(-100 * Math.max(height, 0.01)).toFixed(1)}h${(step - gap).toFixed(1)}V100z`,
      )
      .join(""),
  );
  for (const [name, value] of Object.entries({
    class: large ? "bars large" : "bars",
    viewBox: "0 0 640 100",
    preserveAspectRatio: "none",
    role: "img",
  })) {
    made.setAttribute(name, value);
  }
  made.setAttribute("aria-label", label);
  made.append(path);
  if (made instanceof SVGElement) return made;
  throw new Error("no drawing was made");
}

export function section(id: string, title: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { attributes: { id, "aria-labelledby": `${id}-title` } },
    element("h2", { attributes: { id: `${id}-title` } }, title),
    ...children,
  );
}

export function bulletList(items: readonly string[], className = ""): HTMLElement {
  return element("ul", { class: className }, ...items.map((item) => element("li", {}, item)));
}

export function number(value: number | string): string {
  if (typeof value === "string") return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
}

/** Little-endian bytes. */
export function fromBase64(base64: string): DataView<ArrayBuffer> {
  return new DataView(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);
}
