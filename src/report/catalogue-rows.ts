import { count, type Style, shape, visible } from "./style.ts";
import { type Column, table } from "./table.ts";

/** A row of a catalogue, of which some columns are shown. */
type Shown = Readonly<Record<string, unknown>>;

const checkpoints: readonly Column[] = [
  { title: "source", least: 30 },
  { title: "format" },
  { title: "network" },
  { title: "through", spare: 1 },
  { title: "classes", align: "right" },
  { title: "tensors", align: "right", spare: 2 },
  { title: "parameters", align: "right", spare: 1 },
  { title: "error", least: 30 },
];

const tensors: readonly Column[] = [
  { title: "source", least: 30 },
  { title: "name", least: 20 },
  { title: "role", spare: 1 },
  { title: "dtype" },
  { title: "shape" },
];

/** Rows of a catalogue's checkpoints, or of its tensors, as a table. */
export function rowsText(rows: readonly Shown[], ofTensors: boolean, { paint, width }: Style): string {
  const cells = rows.map((row) => (ofTensors ? tensorCells(row) : checkpointCells(row)));
  return table(ofTensors ? tensors : checkpoints, cells, paint.faint, width);
}

function checkpointCells({ source, format, family, config, through, classes, tensors, parameters, error }: Shown): readonly string[] {
  const network = typeof family === "string" && typeof config === "string" ? `${family} ${config}` : "";
  return [text(source), text(format), network, text(through), number(classes), number(tensors), number(parameters), text(error)];
}

function tensorCells({ source, name, role, dtype, shape: dims }: Shown): readonly string[] {
  const sizes = Array.isArray(dims) ? dims.map(Number) : [];
  return [text(source), text(name), text(role), text(dtype), shape(sizes)];
}

function text(value: unknown): string {
  return typeof value === "string" ? visible(value) : "";
}

function number(value: unknown): string {
  return typeof value === "number" ? count(value) : "";
}
