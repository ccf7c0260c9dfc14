import type { InspectRecord } from "../inspect/inspect.ts";
import { windowsText } from "../model/geometry/window.ts";
import { size } from "../text/byte-size.ts";
import { count, type Style, shape, visible } from "./style.ts";
import { type Column, table } from "./table.ts";

const LEAST_NAME = 16;

/** The layer table of an inspect record with its totals. */
export function layersText({ layers, layerTotals }: InspectRecord, { paint, width }: Style): string {
  if (layers === undefined || layers === null)
    return paint.faint("no layer table: the file describes no layers, and its names and sizes make none");
  const slides = layers.some(({ windows }) => windows !== undefined);
  const columns: Column[] = [
    { title: "layer", least: LEAST_NAME },
    { title: "type", least: LEAST_NAME },
    ...(slides ? [{ title: "window", spare: 4 }] : []),
    { title: "output", align: "right" },
    { title: "parameters", align: "right" },
    { title: "bytes", align: "right", spare: 3 },
    { title: "activation", align: "right", spare: 2 },
    { title: "multiply-adds", align: "right", spare: 1 },
  ];
  const rows = layers.map((layer) => [
    visible(layer.name),
    visible(layer.type),
    ...(slides ? [layer.windows === undefined ? "" : windowsText(layer.windows)] : []),
    layer.outputShape === undefined || layer.outputShape === null ? "?" : shape(layer.outputShape),
    layer.parameters === 0 ? "" : count(layer.parameters),
    layer.bytes === 0 ? "" : size(layer.bytes),
    layer.activationBytes === undefined || layer.activationBytes === null ? "" : size(layer.activationBytes),
    layer.multiplyAdds === undefined || layer.multiplyAdds === null || layer.multiplyAdds === 0 ? "" : count(layer.multiplyAdds),
  ]);
  const lines = [table(columns, rows, paint.faint, width)];
  if (layerTotals !== undefined) {
    const { parameters, withoutBiases, statistics, bytes, activationBytes, multiplyAdds } = layerTotals;
    lines.push(
      "",
      `layers: ${count(parameters)} parameters (${count(withoutBiases)} without biases), ${size(bytes)}`,
      ...(statistics === 0 ? [] : [`with running statistics, as Keras counts: ${count(parameters + statistics)}`]),
      ...(activationBytes === undefined ? [] : [`activations of one picture: ${size(activationBytes)}`]),
      ...(multiplyAdds === undefined ? [] : [`multiply-adds of one picture: ${count(multiplyAdds)}`]),
    );
  }
  return lines.join("\n");
}
