import { type CheckContext, ClassCheck, type ClassResult, calledNames } from "./class-check.ts";
import type { SourceProblem } from "./faults.ts";
import { Classes } from "./follow/classes.ts";
import { type Common, Interpreter } from "./follow/interpreter.ts";
import type { GivenToLayer } from "./follow/machine.ts";
import type { Scope } from "./follow/scope.ts";
import { outsideLists } from "./outside-lists.ts";
import { type Place, Places, type Unit } from "./places.ts";
import type { ClassDef, Stmt, Unparsed } from "./python/ast.ts";
import { parsePython } from "./python/parse.ts";
import { strayConstructors } from "./stray-constructors.ts";
import { type Framework, frameworkNames, likelyFramework } from "./vocabulary.ts";

/** Steps for all classes together; a file of a hundred networks takes a tenth of it. */
const mostSteps = 2_000_000;
/** Lines that do not parse and are named; more are counted. */
const mostUnparsed = 12;

/** What was found out about one file. */
export interface FileResult {
  readonly file: string;
  readonly problems: readonly SourceProblem[];
  readonly read: readonly { readonly name: string; readonly place: Place }[];
  readonly unread: readonly { readonly reason: string; readonly place?: Place }[];
}

interface ParsedFile {
  readonly file: string;
  readonly empty: boolean;
  readonly statements: readonly Stmt[];
  /** In the order of the text, none within another. */
  readonly unparsed: readonly Unparsed[];
}

/** Finds the layers that are never registered in the files of a network, read together. The code is parsed, never run. */
export function checkProgram(files: readonly (readonly Unit[])[]): readonly FileResult[] {
  const places = new Places();
  const parsed = files.map((units) => parseFile(units, places));
  const classes = new Classes(parsed.map(({ file, statements }) => ({ name: moduleName(file), statements })));
  const common: Common = { classes, given: new Map(), learned: new Map(), steps: mostSteps };
  const context: CheckContext = { common, places, called: calledNames(parsed.flatMap(({ statements }) => statements)) };
  const around = classes.scopes.map((scope, k) => {
    const interpreter = new Interpreter(common);
    interpreter.runFile(scope, parsed[k]?.statements ?? []);
    return interpreter.givenToLayers;
  });
  const unparsed = parsed.flatMap((file) => file.unparsed);
  const checked = checkClasses(classes.scopes, context);
  return parsed.map((file, k) => {
    const scope = classes.scopes[k];
    return scope === undefined ? empty(file.file) : checkFile(file, { scope, checked, unparsed, around: around[k] ?? [] }, context);
  });
}

/** Results by definition; without one: the steps were spent. */
type Checked = ReadonlyMap<ClassDef, readonly ClassResult[]>;

/** Checks every class, and once more those whose constructors were given something by the code of a class that was checked after them. */
function checkClasses(scopes: readonly Scope[], context: CheckContext): Checked {
  const checked = new Map<ClassDef, readonly ClassResult[]>();
  const givenTo = (definition: ClassDef): number => context.common.given.get(definition)?.length ?? 0;
  const before = new Map<ClassDef, number>();
  for (const again of [false, true]) {
    for (const scope of scopes) {
      const likely = likelyFramework(scope.imports());
      for (const definition of scope.classes) {
        if (again && (!checked.has(definition) || givenTo(definition) === before.get(definition))) continue;
        if (!affordable(definition, context.common)) continue;
        before.set(definition, givenTo(definition));
        checked.set(definition, checkClass(definition, scope, context, likely));
      }
    }
  }
  return checked;
}

function parseFile(units: readonly Unit[], places: Places): ParsedFile {
  const parsed = units.map((unit) => parsePython(unit.text, places.add(unit)));
  return {
    file: units[0]?.file ?? "",
    empty: units.every(({ text }) => text.trim() === ""),
    statements: parsed.flatMap(({ statements }) => statements),
    unparsed: parsed.flatMap((part) => [...part.unparsed].sort((a, b) => a.at - b.at)),
  };
}

function empty(file: string): FileResult {
  return { file, problems: [], read: [], unread: [] };
}

interface Known {
  readonly scope: Scope;
  readonly checked: Checked;
  /** Of all files. */
  readonly unparsed: readonly Unparsed[];
  /** By the code around its classes. */
  readonly around: readonly GivenToLayer[];
}

function checkFile(file: ParsedFile, { scope, checked, unparsed, around }: Known, context: CheckContext): FileResult {
  const { places } = context;
  const left = scope.classes.filter((definition) => !checked.has(definition)).length;
  const results = scope.classes.flatMap((definition) => checked.get(definition) ?? []);
  const read = results.filter((result) => result.unread.length === 0 && ![...result.visited].some((part) => broken(part, unparsed)));
  const strays = strayConstructors(file.statements, scope, context);
  const unread = [
    ...results.flatMap((result) => result.unread),
    ...file.unparsed.slice(0, mostUnparsed).map(({ at, reason }) => ({ at, reason: `does not parse: ${reason}` })),
  ];
  const rest = file.unparsed.length - mostUnparsed;
  const nothing = results.length > 0 || left > 0 || strays.length > 0 ? [] : [{ reason: nothingIn(file) }];
  return {
    file: file.file,
    problems: once([...results.flatMap(({ problems }) => problems), ...strays, ...outsideLists(around, scope, context)]),
    read: read.map(({ definition }) => ({ name: definition.name, place: places.of(definition.at) })),
    unread: [
      ...nothing,
      ...unread.sort((a, b) => a.at - b.at).map(({ at, reason }) => ({ reason, place: places.of(at) })),
      ...(left > 0 ? [{ reason: `${left} more classes: the file has more code than is followed` }] : []),
      ...(rest > 0 ? [{ reason: `${rest} more lines do not parse` }] : []),
    ],
  };
}

function nothingIn({ empty: isEmpty }: ParsedFile): string {
  return isEmpty ? "the file is empty" : `no class of ${frameworkNames.join(", ")} is in it, so there is nothing to check`;
}

/** Whether steps are left for a class; what it inherits is followed again for each. */
function affordable(definition: ClassDef, common: Common): boolean {
  common.steps -= 10 * (1 + common.classes.ancestry(definition).classes.length);
  return common.steps > 0;
}

/** Classes of no framework are left alone, unless a base that is not in the files may be of one. */
function checkClass(definition: ClassDef, scope: Scope, context: CheckContext, likely: Framework | undefined): readonly ClassResult[] {
  const { classes } = context.common;
  const framework = classes.framework(definition);
  if (framework !== undefined) return [new ClassCheck(definition, framework, scope, context).run()];
  const { outside, bounded } = classes.ancestry(definition);
  if ((outside.length === 0 && !bounded) || likely === undefined) return [];
  const result = new ClassCheck(definition, likely, scope, context).run();
  const runs = likely.forward.some((name) => name !== "__call__" && classes.table(definition).has(name));
  if (!runs && !result.makesLayers) return [];
  const [base] = outside;
  const condition = `; this holds if ${base?.name ?? "its base"} derives from ${likely.base}`;
  return [
    {
      ...result,
      problems: result.problems.map((problem) => ({ ...problem, severity: "warning", message: problem.message + condition })),
    },
  ];
}

/** Whether a part of a definition does not parse. */
function broken({ at, to }: { readonly at: number; readonly to: number }, unparsed: readonly Unparsed[]): boolean {
  let low = 0;
  let high = unparsed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((unparsed[middle]?.to ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const next = unparsed[low];
  return next !== undefined && next.at < to;
}

/** A class that inherits a fault has it at the same place: it is reported once, of the first. */
function once(problems: readonly SourceProblem[]): readonly SourceProblem[] {
  const placeOf = ({ line, cell, column, attribute, kind }: SourceProblem): string =>
    `${cell} ${line} ${column} ${attribute ?? ""} ${kind}`;
  const first = new Map(problems.toReversed().map((problem) => [placeOf(problem), problem]));
  return problems.filter((problem) => first.get(placeOf(problem)) === problem);
}

/** What other files import it as. */
function moduleName(file: string): string {
  const name = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1).replace(/\.[^.]*$/, "");
  return name === "__init__" ? (file.split(/[/\\]/).at(-2) ?? name) : name;
}
