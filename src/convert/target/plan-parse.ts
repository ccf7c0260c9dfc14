import { isRole, type Role } from "../../model/role.ts";
import type { Kept } from "../../model/scheme.ts";
import { type Axes, parseAxes } from "../../tensor/axes.ts";
import { isNumericDType, type NumericDType } from "../../tensor/dtype.ts";
import { Field } from "../../text/field.ts";
import type { Fill, Formula, Left, Move, Operand, Plan } from "../plan/plan-types.ts";

const moves: readonly Move["move"][] = ["copy", "reshape", "transpose", "cast", "flip", "compute", "subsample", "dequantise", "init"];
const formulas: readonly Formula[] = ["value", "fold-weight", "fold-bias", "shift-mean", "zeros", "ones", "normal"];

/** Whether a `--map` file is a whole plan, as `--dry-run --json` prints it. */
export function isPlan(value: unknown): boolean {
  return typeof value === "object" && value !== null && "schema" in value;
}

/** A plan from a file. Throws `usage` naming the field that is wrong. */
export function parsePlan(value: unknown): Plan {
  const root = new Field(value, "plan");
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

function parseLeft(field: Field): Left {
  return { key: field.get("key").text(), reason: field.get("reason").text(), ...field.optional("role", role) };
}

function parseMove(field: Field): Move {
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

function parseSize(field: Field): readonly [string, number] {
  const [axis, size] = field.items();
  if (axis === undefined || size === undefined) throw field.fail("an axis and its size");
  return [axis.text(), size.count()];
}

function parseFill(field: Field): Fill {
  return {
    ...field.optional("role", role),
    ...field.optional("put", parseKept),
    formula: oneOf(field.get("formula"), formulas),
    from: field.get("from").items().map(parseOperand),
    ...field.optional("epsilon", pair),
    ...field.optional("seed", count),
  };
}

function parseOperand(field: Field): Operand {
  return {
    key: field.get("key").text(),
    axes: axes(field.get("axes")),
    shape: field.get("shape").items().map(count),
    ...field.optional("role", role),
    ...field.optional("over", text),
    ...parseKept(field),
  };
}

function parseKept(field: Field): Kept {
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

function pair(field: Field): readonly [number, number] {
  const [a, b] = field.items();
  if (a === undefined || b === undefined) throw field.fail("two numbers");
  return [a.number(), b.number()];
}

function text(field: Field): string {
  return field.text();
}

function axes(field: Field): Axes {
  return parseAxes(field.text());
}

function role(field: Field): Role {
  const name = field.text();
  if (!isRole(name)) throw field.fail("a part of a layer, as in conv1_1.weight");
  return name;
}

function count(field: Field): number {
  return field.count();
}

function dtype(field: Field): NumericDType {
  const name = field.text();
  if (!isNumericDType(name)) throw field.fail("the name of a type, as in float32");
  return name;
}

function oneOf<T extends string>(field: Field, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === field.value);
  if (found === undefined) throw field.fail(`one of ${allowed.join(", ")}`);
  return found;
}
