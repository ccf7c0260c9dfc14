import type { DoctorRecord } from "../verify/doctor.ts";
import { devicesText } from "./devices.ts";
import { type Style, visible } from "./style.ts";

/** What `vggtool doctor` prints. */
export function doctorText({ node, packages, engines, gpu, drivers, decoders }: DoctorRecord, style: Style): string {
  const { paint } = style;
  const folders = packages.folders.length === 0 ? "no folder: none of them exists" : packages.folders.map(visible).join(", ");
  const from = packages.variable === null ? "VGGTOOL_ENGINES is not set" : `VGGTOOL_ENGINES is ${visible(packages.variable)}`;
  const found = drivers.map(({ name, devices, problem }) =>
    devices.length > 0
      ? devices.map((device) => `${paint.strong(name)}: ${visible(device.name)}, driver ${visible(device.driver)}`).join("\n")
      : `${paint.strong(name)}: ${paint.bad("none")}: ${visible(problem ?? "it gives no reason")}`,
  );
  const pictures = decoders.map(({ name, pictures: kinds, available, version, problem }) =>
    available
      ? `${paint.strong(name)}${version === undefined ? "" : ` ${version}`}: ${kinds}`
      : `${paint.strong(name)}: ${paint.bad("not available")} (${kinds}): ${visible(problem ?? "it gives no reason")}`,
  );
  // What is missing for the one and for the other is said once.
  const others = gpu.filter(({ problem, ...there }) => there.available || !engines.some((known) => known.problem === problem));
  const sections: readonly (readonly [string, string])[] = [
    ["Node", `${node.version}, ${node.platform} ${node.arch}`],
    ["Optional packages are looked for in", `${folders} (${from}; never in the folder one is in)`],
    ["Engines", devicesText(engines, style)],
    ["With --device gpu", others.length === 0 ? "nothing else" : devicesText(others, style)],
    ["GPU drivers", found.join("\n")],
    ["Pictures", pictures.join("\n")],
  ];
  return sections.map(([title, text]) => `${paint.faint(title)}\n${text.replace(/^/gm, "  ")}`).join("\n\n");
}
