import type { SyntaxNode } from "@lezer/common";

/** Deeper nesting than people write; bounds the recursion. */
export const deepest = 200;

export function children(node: SyntaxNode): readonly SyntaxNode[] {
  const list: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) list.push(child);
  return list;
}

/** Expressions begin with a capital in the grammar; operators, keywords and brackets do not. */
export function isExpression(node: SyntaxNode): boolean {
  return (
    /^[A-Z]/.test(node.name) &&
    !["AssignOp", "ArithOp", "CompareOp", "BitOp", "UpdateOp", "Comment", "TypeDef", "Body", "ParamList", "PropertyName"].includes(
      node.name,
    )
  );
}

export function isMeaningful(node: SyntaxNode): boolean {
  return !["(", ")", "[", "]", "{", "}", "Comment"].includes(node.name);
}

export function splitAt(nodes: readonly SyntaxNode[], separator: string): readonly (readonly SyntaxNode[])[] {
  const parts: SyntaxNode[][] = [[]];
  for (const node of nodes) {
    if (node.name === separator) parts.push([]);
    else parts.at(-1)?.push(node);
  }
  return parts.filter((part) => part.length > 0);
}
