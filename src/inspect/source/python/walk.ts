import type { Expr, Stmt } from "./ast.ts";

/** Everything within some statements, the statements too, in no particular order. */
export function* walk(statements: readonly Stmt[]): Generator<Stmt | Expr> {
  const queue: (Stmt | Expr | undefined)[] = [...statements];
  for (let node = queue.pop(); node !== undefined || queue.length > 0; node = queue.pop()) {
    if (node === undefined) continue;
    yield node;
    for (const inner of within(node)) queue.push(inner);
  }
}

function within(node: Stmt | Expr): readonly (Stmt | Expr | undefined)[] {
  switch (node.kind) {
    case "assign":
      return [...node.targets, node.value];
    case "augment":
      return [node.target, node.value];
    case "named":
      return [node.target, node.value];
    case "expression":
    case "delete":
    case "star":
    case "return":
    case "passed":
      return [node.value];
    case "for":
      return [node.loop.target, node.loop.iterable, ...node.body];
    case "blocks":
      return [...node.heads, ...node.bodies.flat()];
    case "function":
      return [...node.decorators, ...node.params.map(({ fallback }) => fallback), ...node.body];
    case "class":
      return [...node.bases, ...node.body];
    case "attribute":
      return [node.object];
    case "subscript":
      return [node.object, node.index];
    case "call":
      return [node.callee, ...node.args, ...node.keywords.values()];
    case "display":
      return node.items;
    case "comprehension":
      return [node.item, ...node.loops.flatMap(({ target, iterable, conditions }) => [target, iterable, ...conditions])];
    case "either":
      return node.options;
    case "arithmetic":
      return node.operands;
    case "lambda":
      return [...node.params.map(({ fallback }) => fallback), node.body];
    case "other":
      return node.parts;
    default:
      return [];
  }
}
