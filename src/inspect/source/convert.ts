import type { SyntaxNode } from "@lezer/common";
import { parser } from "@lezer/python";
import { CheckpointError } from "../../errors.ts";
import type { Container, Expr, ImportedName, Loop, Param, Stmt } from "./ast.ts";

/** Model code is some thousand lines; more is another kind of file. */
const longestSource = 4 << 20;
/** Deeper nesting than people write; bounds the recursion. */
const deepest = 200;

/** Parses Python without running it. Text that is no Python parses too, into nothing of interest. */
export function parsePython(text: string): readonly Stmt[] {
  if (text.length > longestSource) {
    throw new CheckpointError("unsupported", `a source file of ${text.length} characters; at most ${longestSource} are read`);
  }
  return new Converter(text).body(parser.parse(text).topNode, 0);
}

class Converter {
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  body(node: SyntaxNode, depth: number): readonly Stmt[] {
    return children(node).flatMap((child) => this.statement(child, depth + 1) ?? []);
  }

  private statement(node: SyntaxNode, depth: number): Stmt | readonly Stmt[] | undefined {
    if (depth > deepest) return undefined;
    const at = node.from;
    switch (node.name) {
      case "ImportStatement":
        return { kind: "import", names: this.imports(node), at };
      case "ClassDefinition":
        return { kind: "class", name: this.nameOf(node), bases: this.bases(node, depth), body: this.bodyOf(node, depth), at };
      case "FunctionDefinition":
        return this.definition(node, [], depth);
      case "DecoratedStatement": {
        const decorators = children(node)
          .filter((child) => child.name === "Decorator")
          .map((child) => this.slice(child).slice(1).trim());
        const inner = children(node).at(-1);
        if (inner === undefined) return undefined;
        return inner.name === "FunctionDefinition" ? this.definition(inner, decorators, depth) : this.statement(inner, depth + 1);
      }
      case "AssignStatement":
        return this.assignment(node, depth);
      case "UpdateStatement": {
        const [target, value] = this.expressions(node, depth);
        return target && value && { kind: "augment", target, value, at };
      }
      case "ExpressionStatement":
        return { kind: "expression", value: this.list(children(node), depth), at };
      case "ForStatement":
        return this.forLoop(node, depth);
      case "ReturnStatement": {
        const parts = children(node).slice(1);
        return parts.length === 0 ? { kind: "return", at } : { kind: "return", value: this.list(parts, depth), at };
      }
      case "StatementGroup":
        return this.body(node, depth);
      default:
        return this.blocks(node, depth);
    }
  }

  /** if, while, with, try, match: everything with bodies. */
  private blocks(node: SyntaxNode, depth: number): Stmt | undefined {
    const parts = children(node);
    const bodies = parts.filter((child) => child.name === "Body" || child.name === "MatchBody" || child.name === "MatchClause");
    const heads = parts.filter((child) => !bodies.includes(child) && isExpression(child)).map((child) => this.expression(child, depth));
    if (bodies.length === 0 && heads.length === 0) return undefined;
    const conditional = node.name !== "WithStatement";
    return { kind: "blocks", heads, bodies: bodies.map((body) => this.body(body, depth)), conditional, at: node.from };
  }

  private definition(node: SyntaxNode, decorators: readonly string[], depth: number): Stmt {
    const params = node.getChild("ParamList");
    return {
      kind: "function",
      name: this.nameOf(node),
      params: params === null ? [] : this.params(params, depth),
      body: this.bodyOf(node, depth),
      decorators,
      at: node.from,
    };
  }

  private bodyOf(node: SyntaxNode, depth: number): readonly Stmt[] {
    const body = node.getChild("Body");
    return body === null ? [] : this.body(body, depth);
  }

  private nameOf(node: SyntaxNode): string {
    const name = node.getChild("VariableName");
    return name === null ? "" : this.slice(name);
  }

  private bases(node: SyntaxNode, depth: number): readonly Expr[] {
    const list = node.getChild("ArgList");
    return list === null ? [] : this.args(list, depth).args;
  }

  private params(list: SyntaxNode, depth: number): readonly Param[] {
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

  private imports(node: SyntaxNode): readonly ImportedName[] {
    const words = this.slice(node).replace(/\\\n/g, " ").replace(/[()]/g, " ").replace(/#.*$/gm, " ").trim();
    const from = /^from\s+(\S+)\s+import\s+([\s\S]+)$/.exec(words);
    const list = from?.[2] ?? words.replace(/^import\s+/, "");
    return list.split(",").flatMap((item): ImportedName[] => {
      const [, path = "", , alias] = /^\s*(\S+)(\s+as\s+(\S+))?\s*$/.exec(item) ?? [];
      if (path === "") return [];
      if (from?.[1] !== undefined) return [{ local: alias ?? path, path: path === "*" ? from[1] : `${from[1]}.${path}` }];
      // `import a.b` makes `a` known, `import a.b as c` makes c known as a.b.
      const first = path.split(".")[0] ?? path;
      return [alias === undefined ? { local: first, path: first } : { local: alias, path }];
    });
  }

  private assignment(node: SyntaxNode, depth: number): Stmt | undefined {
    const sides = splitAt(
      children(node).filter((child) => child.name !== "TypeDef"),
      "AssignOp",
    );
    const value = sides.at(-1);
    if (value === undefined || sides.length < 2) return undefined;
    const targets = sides.slice(0, -1).map((side) => this.list(side, depth));
    return { kind: "assign", targets, value: this.list(value, depth), at: node.from };
  }

  private forLoop(node: SyntaxNode, depth: number): Stmt | undefined {
    const parts = children(node);
    const inAt = parts.findIndex((child) => child.name === "in");
    const bodyAt = parts.findIndex((child) => child.name === "Body");
    const forAt = parts.findIndex((child) => child.name === "for");
    if (inAt < 0 || bodyAt < 0) return undefined;
    const loop = { target: this.list(parts.slice(forAt + 1, inAt), depth), iterable: this.list(parts.slice(inAt + 1, bodyAt), depth) };
    const bodies = parts.slice(bodyAt).filter((child) => child.name === "Body");
    return { kind: "for", loop, body: bodies.flatMap((body) => this.body(body, depth)), at: node.from };
  }

  /** Several expressions with commas between are a tuple. */
  private list(nodes: readonly SyntaxNode[], depth: number): Expr {
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

  private expressions(node: SyntaxNode, depth: number): readonly Expr[] {
    return children(node)
      .filter(isExpression)
      .map((child) => this.expression(child, depth));
  }

  private expression(node: SyntaxNode, depth: number): Expr {
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

  private args(list: SyntaxNode, depth: number): { readonly args: readonly Expr[]; readonly keywords: ReadonlyMap<string, Expr> } {
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

  private slice(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }
}

function children(node: SyntaxNode): readonly SyntaxNode[] {
  const list: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) list.push(child);
  return list;
}

/** Expressions begin with a capital in the grammar; operators, keywords and brackets do not. */
function isExpression(node: SyntaxNode): boolean {
  return (
    /^[A-Z]/.test(node.name) &&
    !["AssignOp", "ArithOp", "CompareOp", "BitOp", "UpdateOp", "Comment", "TypeDef", "Body", "ParamList", "PropertyName"].includes(
      node.name,
    )
  );
}

function isMeaningful(node: SyntaxNode): boolean {
  return !["(", ")", "[", "]", "{", "}", "Comment"].includes(node.name);
}

function splitAt(nodes: readonly SyntaxNode[], separator: string): readonly (readonly SyntaxNode[])[] {
  const parts: SyntaxNode[][] = [[]];
  for (const node of nodes) {
    if (node.name === separator) parts.push([]);
    else parts.at(-1)?.push(node);
  }
  return parts.filter((part) => part.length > 0);
}
