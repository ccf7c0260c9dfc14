import type { CheckContext } from "./class-check.ts";
import { FaultText, type SourceProblem } from "./faults.ts";
import type { Scope } from "./follow/scope.ts";
import type { ClassDef, FunctionDef, Stmt } from "./python/ast.ts";

/** Constructors that are in no class, as where the indentation slipped: nothing runs them. */
export function strayConstructors(statements: readonly Stmt[], scope: Scope, { common, places }: CheckContext): readonly SourceProblem[] {
  return constructorsOutside(statements, false).flatMap((method) => {
    const before = scope.classes.filter((definition) => definition.at < method.at).sort((a, b) => a.at - b.at);
    const definition = before.at(-1);
    const framework = definition === undefined ? undefined : common.classes.framework(definition);
    if (definition === undefined || framework === undefined || hasConstructor(definition)) return [];
    const why = "it is not indented as a method of the class";
    return [new FaultText(definition, framework, scope, places).neverRuns("__init__", method.at, [], why)];
  });
}

function hasConstructor(definition: ClassDef): boolean {
  return definition.body.some((inner) => inner.kind === "function" && inner.name === "__init__");
}

function constructorsOutside(statements: readonly Stmt[], inClass: boolean): readonly FunctionDef[] {
  return statements.flatMap((statement): readonly FunctionDef[] => {
    switch (statement.kind) {
      case "function":
        return [...(statement.name === "__init__" && !inClass ? [statement] : []), ...constructorsOutside(statement.body, false)];
      case "class":
        return constructorsOutside(statement.body, true);
      case "blocks":
        return statement.bodies.flatMap((body) => constructorsOutside(body, inClass));
      case "for":
        return constructorsOutside(statement.body, inClass);
      default:
        return [];
    }
  });
}
