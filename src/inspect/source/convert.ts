import type { SyntaxNode } from "@lezer/common";
import { parser } from "@lezer/python";
import { CheckpointError } from "../../errors.ts";
import type { Expr, ImportedName, Stmt } from "./ast.ts";
import { Expressions } from "./convert-expressions.ts";
import { children, deepest, isExpression, splitAt } from "./syntax.ts";

/** Model code is some thousand lines; more is another kind of file. */
const longestSource = 4 << 20;

/** Parses Python without running it. Text that is no Python parses too, into nothing of interest. */
export function parsePython(text: string): readonly Stmt[] {
  if (text.length > longestSource) {
    throw new CheckpointError("unsupported", `a source file of ${text.length} characters; at most ${longestSource} are read`);
  }
  return new Converter(text).body(parser.parse(text).topNode, 0);
}

class Converter {
  readonly #expressions: Expressions;

  constructor(text: string) {
    this.#expressions = new Expressions(text);
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
          .map((child) => this.#expressions.slice(child).slice(1).trim());
        const inner = children(node).at(-1);
        if (inner === undefined) return undefined;
        return inner.name === "FunctionDefinition" ? this.definition(inner, decorators, depth) : this.statement(inner, depth + 1);
      }
      case "AssignStatement":
        return this.assignment(node, depth);
      case "UpdateStatement": {
        const [target, value] = this.#expressions.expressions(node, depth);
        return target && value && { kind: "augment", target, value, at };
      }
      case "ExpressionStatement":
        return { kind: "expression", value: this.#expressions.list(children(node), depth), at };
      case "ForStatement":
        return this.forLoop(node, depth);
      case "ReturnStatement": {
        const parts = children(node).slice(1);
        return parts.length === 0 ? { kind: "return", at } : { kind: "return", value: this.#expressions.list(parts, depth), at };
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
    const heads = parts
      .filter((child) => !bodies.includes(child) && isExpression(child))
      .map((child) => this.#expressions.expression(child, depth));
    if (bodies.length === 0 && heads.length === 0) return undefined;
    const conditional = node.name !== "WithStatement";
    return { kind: "blocks", heads, bodies: bodies.map((body) => this.body(body, depth)), conditional, at: node.from };
  }

  private definition(node: SyntaxNode, decorators: readonly string[], depth: number): Stmt {
    const params = node.getChild("ParamList");
    return {
      kind: "function",
      name: this.nameOf(node),
      params: params === null ? [] : this.#expressions.params(params, depth),
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
    return name === null ? "" : this.#expressions.slice(name);
  }

  private bases(node: SyntaxNode, depth: number): readonly Expr[] {
    const list = node.getChild("ArgList");
    return list === null ? [] : this.#expressions.args(list, depth).args;
  }

  private imports(node: SyntaxNode): readonly ImportedName[] {
    const words = this.#expressions.slice(node).replace(/\\\n/g, " ").replace(/[()]/g, " ").replace(/#.*$/gm, " ").trim();
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
    const targets = sides.slice(0, -1).map((side) => this.#expressions.list(side, depth));
    return { kind: "assign", targets, value: this.#expressions.list(value, depth), at: node.from };
  }

  private forLoop(node: SyntaxNode, depth: number): Stmt | undefined {
    const parts = children(node);
    const inAt = parts.findIndex((child) => child.name === "in");
    const bodyAt = parts.findIndex((child) => child.name === "Body");
    const forAt = parts.findIndex((child) => child.name === "for");
    if (inAt < 0 || bodyAt < 0) return undefined;
    const loop = {
      target: this.#expressions.list(parts.slice(forAt + 1, inAt), depth),
      iterable: this.#expressions.list(parts.slice(inAt + 1, bodyAt), depth),
    };
    const bodies = parts.slice(bodyAt).filter((child) => child.name === "Body");
    return { kind: "for", loop, body: bodies.flatMap((body) => this.body(body, depth)), at: node.from };
  }
}
