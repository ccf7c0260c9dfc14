import type { SyntaxNode } from "@lezer/common";
import type { Container, Expr, Loop, Param } from "./ast.ts";
import { children, deepest, isExpression, isMeaningful, splitAt } from "./syntax.ts";

/** Expressions of the grammar's tree as `ast.ts` has them. `depth`: how deep in the tree they lie. */
export class Expressions {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  params(list: SyntaxNode, depth: number): readonly Param[] {
    const params: Param[] = [];
    for (const part of splitAt(children(list).filter(isMeaningful), ",")) {
      const name = part.find((child) => child.name === "VariableName");
      if (name === undefined) continue;
      const assigned = part.findIndex((child) => child.name === "AssignOp");
      const fallback = assigned < 0 ? undefined : part[assigned + 1];
      const star = part[0]?.name === "*" || part[0]?.name === "**";
      params.push({ name: this.slice(name), star, ...(fallback && { fallback: this.expression(fallback, depth) }) });
    }
    return params;
  }

  /** Several expressions with commas between are a tuple. */
  list(nodes: readonly SyntaxNode[], depth: number): Expr {
    const parts = splitAt(nodes.filter(isMeaningful), ",");
    const items = parts.flatMap((part) => this.item(part, depth) ?? []);
    const [only] = items;
    const at = nodes[0]?.from ?? 0;
    const comma = nodes.some((node) => node.name === ",");
    return only !== undefined && !comma ? only : { kind: "display", container: "tuple", items, at };
  }

  /** An item of a display or argument list; a starred one counts as what it holds. */
  private item(part: readonly SyntaxNode[], depth: number): Expr | undefined {
    const node = part.find(isExpression);
    return node === undefined ? undefined : this.expression(node, depth);
  }

  expressions(node: SyntaxNode, depth: number): readonly Expr[] {
    return children(node)
      .filter(isExpression)
      .map((child) => this.expression(child, depth));
  }

  expression(node: SyntaxNode, depth: number): Expr {
    const at = node.from;
    if (depth > deepest) return { kind: "other", parts: [], at };
    const inner = depth + 1;
    switch (node.name) {
      case "VariableName":
        return { kind: "name", name: this.slice(node), at };
      case "MemberExpression":
        return this.member(node, inner);
      case "CallExpression":
        return this.call(node, inner);
      case "ArrayExpression":
        return { kind: "display", container: "list", items: this.items(node, inner), at };
      case "TupleExpression":
        return { kind: "display", container: "tuple", items: this.items(node, inner), at };
      case "SetExpression":
        return { kind: "display", container: "set", items: this.items(node, inner), at };
      case "DictionaryExpression":
        return { kind: "display", container: "dict", items: this.dictValues(node, inner), at };
      case "ArrayComprehensionExpression":
        return this.comprehension(node, "list", inner);
      case "ComprehensionExpression":
        return this.comprehension(node, "tuple", inner);
      case "SetComprehensionExpression":
        return this.comprehension(node, "set", inner);
      case "DictionaryComprehensionExpression":
        return this.comprehension(node, "dict", inner);
      case "ParenthesizedExpression":
      case "AwaitExpression":
        return this.expressions(node, inner)[0] ?? { kind: "other", parts: [], at };
      case "ConditionalExpression": {
        const [yes, , no] = this.expressions(node, inner);
        return { kind: "either", options: [yes, no].filter((option) => option !== undefined), at };
      }
      case "BinaryExpression":
        return this.binary(node, inner);
      case "NamedExpression":
        return this.expressions(node, inner).at(-1) ?? { kind: "other", parts: [], at };
      case "LambdaExpression": {
        const params = node.getChild("ParamList");
        const body = children(node).at(-1);
        if (body === undefined) return { kind: "other", parts: [], at };
        return { kind: "lambda", params: params === null ? [] : this.params(params, inner), body: this.expression(body, inner), at };
      }
      case "String":
      case "ContinuedString":
        return { kind: "string", value: this.slice(node), at };
      default:
        return { kind: "other", parts: this.expressions(node, inner), at };
    }
  }

  private member(node: SyntaxNode, depth: number): Expr {
    const at = node.from;
    const [first] = children(node);
    const object: Expr = first === undefined ? { kind: "other", parts: [], at } : this.expression(first, depth);
    const name = node.getChild("PropertyName");
    return name === null ? { kind: "subscript", object, at } : { kind: "attribute", object, name: this.slice(name), at };
  }

  private call(node: SyntaxNode, depth: number): Expr {
    const at = node.from;
    const [first] = children(node);
    const list = node.getChild("ArgList");
    const callee: Expr = first === undefined ? { kind: "other", parts: [], at } : this.expression(first, depth);
    const { args, keywords } = list === null ? { args: [], keywords: new Map<string, Expr>() } : this.args(list, depth);
    return { kind: "call", callee, args, keywords, text: first === undefined ? "" : this.slice(first).slice(0, 80), at };
  }

  args(list: SyntaxNode, depth: number): { readonly args: readonly Expr[]; readonly keywords: ReadonlyMap<string, Expr> } {
    const args: Expr[] = [];
    const keywords = new Map<string, Expr>();
    const parts = children(list).filter(isMeaningful);
    if (parts.some((part) => part.name === "for")) return { args: [this.comprehension(list, "tuple", depth)], keywords };
    for (const part of splitAt(parts, ",")) {
      const [name, operator, value] = part;
      if (operator?.name === "AssignOp" && name !== undefined && value !== undefined)
        keywords.set(this.slice(name), this.expression(value, depth));
      else {
        const item = this.item(part, depth);
        if (item !== undefined) args.push(item);
      }
    }
    return { args, keywords };
  }

  private items(node: SyntaxNode, depth: number): readonly Expr[] {
    return splitAt(children(node).filter(isMeaningful), ",").flatMap((part) => this.item(part, depth) ?? []);
  }

  private dictValues(node: SyntaxNode, depth: number): readonly Expr[] {
    return splitAt(children(node).filter(isMeaningful), ",").flatMap((part) => {
      const value = part.filter(isExpression).at(-1);
      return value === undefined ? [] : [this.expression(value, depth)];
    });
  }

  private comprehension(node: SyntaxNode, container: Container, depth: number): Expr {
    const parts = children(node).filter(isMeaningful);
    const firstFor = parts.findIndex((part) => part.name === "for" || part.name === "async");
    const items = parts
      .slice(0, firstFor)
      .filter(isExpression)
      .map((part) => this.expression(part, depth));
    const loops: Loop[] = [];
    for (let i = firstFor; i < parts.length; i++) {
      if (parts[i]?.name !== "for") continue;
      const inAt = parts.findIndex((part, k) => k > i && part.name === "in");
      const end = parts.findIndex((part, k) => k > inAt && (part.name === "for" || part.name === "if"));
      const iterable = parts.slice(inAt + 1, end < 0 ? parts.length : end);
      if (inAt > 0) loops.push({ target: this.list(parts.slice(i + 1, inAt), depth), iterable: this.list(iterable, depth) });
    }
    // Of a dictionary only the value can be a layer.
    return { kind: "comprehension", container, items: container === "dict" ? items.slice(-1) : items, loops, at: node.from };
  }

  private binary(node: SyntaxNode, depth: number): Expr {
    const at = node.from;
    const parts = children(node);
    const [left, right] = parts.filter(isExpression).map((part) => this.expression(part, depth));
    const operator = parts.find((part) => !isExpression(part));
    if (left === undefined || right === undefined) return { kind: "other", parts: [], at };
    const word = operator === undefined ? "" : this.slice(operator);
    if (word === "or" || word === "and") return { kind: "either", options: [left, right], at };
    return { kind: "binary", operator: word, left, right, at };
  }

  slice(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }
}
