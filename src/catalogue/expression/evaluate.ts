import type { CatalogueCell, CatalogueRow } from "../schema.ts";
import type { Comparison, WhereExpression, WhereValue } from "./parse.ts";

/** A test for rows. As in SQL, what is compared with null is neither true nor false, and only what is true counts. */
export function tester(expression: WhereExpression): (row: CatalogueRow) => boolean {
  const truth = truthOf(expression);
  return (row) => truth(row) === true;
}

/** null: unknown. */
type Truth = (row: CatalogueRow) => boolean | null;

function truthOf(expression: WhereExpression): Truth {
  switch (expression.kind) {
    case "and":
    case "or":
      return joined(expression.kind === "or", truthOf(expression.left), truthOf(expression.right));
    case "not": {
      const of = truthOf(expression.of);
      return (row) => {
        const truth = of(row);
        return truth === null ? null : !truth;
      };
    }
    case "null":
      return (row) => cellOf(row, expression.column) === null;
    case "compare":
      return (row) => compared(cellOf(row, expression.column), expression.with, expression.value);
    case "in":
      return (row) => {
        const cell = cellOf(row, expression.column);
        return cell === null ? null : expression.values.some((value) => compared(cell, "=", value) === true);
      };
    case "like": {
      const takes = like(expression.pattern);
      return (row) => {
        const cell = cellOf(row, expression.column);
        return typeof cell === "string" ? takes(cell) : null;
      };
    }
  }
}

/** `or`: the truth that decides alone is true; of `and` it is false. */
function joined(or: boolean, left: Truth, right: Truth): Truth {
  return (row) => {
    const first = left(row);
    if (first === or) return or;
    const second = right(row);
    return second === or ? or : first === null || second === null ? null : !or;
  };
}

function cellOf(row: CatalogueRow, column: string): CatalogueCell {
  return row[column] ?? null;
}

function compared(cell: CatalogueCell, comparison: Comparison, value: WhereValue): boolean | null {
  if (cell === null || typeof cell === "object") return null;
  switch (comparison) {
    case "=":
      return isEqual(cell, value);
    case "!=":
      return !isEqual(cell, value);
    case "<":
      return cell < value;
    case "<=":
      return cell <= value;
    case ">":
      return cell > value;
    case ">=":
      return cell >= value;
  }
}

/** A bigint is the number of its value. */
function isEqual(cell: boolean | number | bigint | string, value: WhereValue): boolean {
  return typeof cell === "bigint" ? typeof value === "number" && !(cell < value) && !(cell > value) : cell === value;
}

/** SQL's patterns: % takes any characters, _ one; the case counts. Takes the length of the text times that of the pattern at most. */
function like(pattern: string): (text: string) => boolean {
  const steps = [...pattern];
  return (text) => {
    const chars = [...text];
    let [at, step] = [0, 0];
    let back: { at: number; step: number } | undefined;
    while (at < chars.length) {
      const wanted = steps[step];
      if (wanted === "%") {
        step += 1;
        back = { at, step };
      } else if (wanted !== undefined && (wanted === "_" || wanted === chars[at])) {
        at += 1;
        step += 1;
      } else if (back !== undefined) {
        back.at += 1;
        [at, step] = [back.at, back.step];
      } else return false;
    }
    return steps.slice(step).every((left) => left === "%");
  };
}
