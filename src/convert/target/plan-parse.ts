import { isRole, type Role } from "../../model/role.ts";
import type { Kept } from "../../model/scheme.ts";
import { type Axes, parseAxes } from "../../tensor/axes.ts";
import { isNumericDType, type NumericDType } from "../../tensor/dtype.ts";
import { MapField } from "../../text/field.ts";
import type { Fill, Formula, Left, Move, Operand, Plan } from "../plan/plan-types.ts";

const moves: readonly Move["move"][] = ["copy", "reshape", "transpose", "cast", "flip", "compute", "subsample", "dequantise", "init"];
const formulas: readonly Formula[] = ["value", "fold-weight", "fold-bias", "shift-mean", "zeros", "ones", "normal"];

/** Whether a `--map` file is a whole plan, as `--dry-run --json` prints it. */
export function isPlan(value: unknown): boolean {
  return typeof value === "object" && value !== null && "schema" in value;
}

/** What is made without a stored value. */
const made: readonly Formula[] = ["zeros", "ones", "normal"];

/** A plan from a file. Throws `usage` naming the field that is wrong. */
export function parsePlan(value: unknown): Plan {
  const root = new MapField(value, "plan");
  const schema = root.get("schema");
  if (schema.value !== "vggtool/plan/1") throw schema.fail('"vggtool/plan/1"');
  return {
    schema: "vggtool/plan/1",
    format: root.get("format").text(),
    scheme: root.get("scheme").text(),
    moves: root.get("moves").items().map(parseMove),
    unused: root.get("unused").items().map(parseLeft),
    missing: root.get("missing").items().map(parseLeft),
    // A plan that a person keeps is what they say.
    assumed: [],
  };
}

function parseLeft(field: MapField): Left {
  return { key: field.get("key").text(), reason: field.get("reason").text(), ...field.optional("role", role) };
}

function parseMove(field: MapField): Move {
  return {
    to: field.get("to").text(),
    toShape: field.get("toShape").items().map(count),
    ...field.optional("toAxes", axes),
    toDtype: dtype(field.get("toDtype")),
    ...field.optional("sizes", (sizes) => sizes.items().map(parseSize)),
    move: oneOf(field.get("move"), moves),
    fills: field.get("fills").items().map(parseFill),
  };
}

function parseSize(field: MapField): readonly [string, number] {
  const [axis, size] = field.items();
  if (axis === undefined || size === undefined) throw field.fail("an axis and its size");
  return [axis.text(), size.count()];
}

function parseFill(field: MapField): Fill {
  const formula = oneOf(field.get("formula"), formulas);
  const from = field.get("from").items().map(parseOperand);
  if (from.length === 0 && !made.includes(formula)) throw field.get("from").fail("the tensors that the values come from");
  return {
    ...field.optional("role", role),
    ...field.optional("put", parseKept),
    formula,
    from,
    ...field.optional("epsilon", pair),
    ...field.optional("seed", count),
  };
}

function parseOperand(field: MapField): Operand {
  return {
    key: field.get("key").text(),
    axes: axes(field.get("axes")),
    shape: field.get("shape").items().map(count),
    ...field.optional("role", role),
    ...field.optional("over", text),
    ...parseKept(field),
  };
}

function parseKept(field: MapField): Kept {
  return {
    ...field.optional("take", (take) => {
      const [axis, index] = take.items();
      if (axis === undefined || index === undefined) throw take.fail("an axis and an index");
      return [axis.text(), index.count()] as const;
    }),
    ...field.optional("as", (as) => oneOf(as, ["sigma", "darknet"] as const)),
    ...field.optional("times", (times) => times.number()),
    ...field.optional("flip", (flip) => flip.items().map(text)),
    ...field.optional("every", (every) => every.items().map(parseSize)),
  };
}

function pair(field: MapField): readonly [number, number] {
  const [a, b] = field.items();
  if (a === undefined || b === undefined) throw field.fail("two numbers");
  return [a.number(), b.number()];
}

function text(field: MapField): string {
  return field.text();
}

function axes(field: MapField): Axes {
  return parseAxes(field.text());
}

function role(field: MapField): Role {
  const name = field.text();
  if (!isRole(name)) throw field.fail("a part of a layer, as in conv1_1.weight");
  return name;
}

function count(field: MapField): number {
  return field.count();
}

function dtype(field: MapField): NumericDType {
  const name = field.text();
  if (!isNumericDType(name)) throw field.fail("the name of a type, as in float32");
  return name;
}

function oneOf<T extends string>(field: MapField, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === field.value);
  if (found === undefined) throw field.fail(`one of ${allowed.join(", ")}`);
  return found;
}
