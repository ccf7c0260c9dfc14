import type { InspectRecord } from "../inspect/inspect.ts";
import { count, type Style, shape, shortened, size, visible } from "./style.ts";
import { type Column, table } from "./table.ts";

const LONGEST_NAME = 40;

/** The layer table of an inspect record with its totals. */
export function layersText({ layers, layerTotals }: InspectRecord, { paint, width }: Style): string {
  if (layers === undefined || layers === null)
    return paint.faint("no layer table: the file describes no layers, and no VGG network was recognised");
  const wide = width >= 100;
  const columns: Column[] = [
    { title: "layer" },
    { title: "type" },
    { title: "output", align: "right" },
    { title: "parameters", align: "right" },
    ...(wide ? [{ title: "bytes", align: "right" as const }] : []),
    { title: "activation", align: "right" },
    { title: "multiply-adds", align: "right" },
  ];
  const rows = layers.map((layer) => [
    shortened(visible(layer.name), wide ? LONGEST_NAME : LONGEST_NAME / 2),
    shortened(visible(layer.type), LONGEST_NAME / 2),
    layer.outputShape === undefined || layer.outputShape === null ? "?" : shape(layer.outputShape),
    layer.parameters === 0 ? "" : count(layer.parameters),
    ...(wide ? [layer.bytes === 0 ? "" : size(layer.bytes)] : []),
    layer.activationBytes === undefined || layer.activationBytes === null ? "" : size(layer.activationBytes),
    layer.multiplyAdds === undefined || layer.multiplyAdds === null || layer.multiplyAdds === 0 ? "" : count(layer.multiplyAdds),
  ]);
  const lines = [table(columns, rows, paint.faint)];
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
