import { fields, fieldText, uint32 } from "../../encodings/protobuf/protobuf.ts";

/**
 * TrackableObjectGraph (tensorflow/core/protobuf/trackable_object_graph.proto): nodes 1 {children 1 {node_id 1, local_name 2},
 * attributes 2 {name 1, full_name 2, checkpoint_key 3}, slot_variables 3 {original_variable_node_id 1, slot_name 2,
 * slot_variable_node_id 3}}. It is the value of the key below.
 */
export const objectGraphKey = "_CHECKPOINTABLE_OBJECT_GRAPH";

/** Larger graphs are left unread: their checkpoints list without labels. One of 10,000 variables has some 2 MB. */
export const maxObjectGraph = 16 << 20;

export interface ObjectGraph {
  /** Readable name (`block1_conv1/kernel`) of each checkpoint key that has one. */
  readonly labels: ReadonlyMap<string, string>;
  /** Checkpoint keys of variables that an optimizer keeps beside another variable. */
  readonly slots: ReadonlySet<string>;
}

/** Throws `malformed` where the bytes are no such graph. */
export function parseObjectGraph(bytes: Uint8Array): ObjectGraph {
  const labels = new Map<string, string>();
  const slotNodes = new Set<number>();
  const keysOf = new Map<number, string[]>();
  let node = 0;
  for (const field of fields(bytes)) {
    if (field.number !== 1) continue;
    for (const part of fields(field.bytes)) {
      if (part.number === 2) {
        const { key, label } = parseAttribute(part.bytes);
        if (key === "") continue;
        if (label !== "") labels.set(key, label);
        keysOf.set(node, [...(keysOf.get(node) ?? []), key]);
      } else if (part.number === 3) {
        for (const slot of fields(part.bytes)) if (slot.number === 3) slotNodes.add(uint32(slot, "node of a slot variable"));
      }
    }
    node += 1;
  }
  return { labels, slots: new Set([...slotNodes].flatMap((slot) => keysOf.get(slot) ?? [])) };
}

function parseAttribute(bytes: Uint8Array): { readonly key: string; readonly label: string } {
  let key = "";
  let label = "";
  for (const field of fields(bytes)) {
    if (field.number === 2) label = fieldText(field, "full name");
    if (field.number === 3) key = fieldText(field, "checkpoint key");
  }
  return { key, label };
}
