import { plain, type Style } from "../report/style.ts";

export type ColorChoice = "auto" | "always" | "never";

/** `--color` first, then NO_COLOR and FORCE_COLOR, then whether there is a terminal. */
export function wantsColor(choice: ColorChoice, terminal: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  if (choice !== "auto") return choice === "always";
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "" && env.FORCE_COLOR !== "0") return true;
  return terminal && env.TERM !== "dumb";
}

/** What goes to a file or another program keeps its names whole, unless COLUMNS says how wide it may be. */
const PIPE_WIDTH = Number.POSITIVE_INFINITY;

/** `columns`: of the terminal, where there is one. Chalk is loaded only where there is colour: it looks at the terminal and the system as it loads. */
export async function styleFor(choice: ColorChoice, columns: number | undefined): Promise<Style> {
  const width = columns ?? (Number(process.env.COLUMNS) || PIPE_WIDTH);
  if (!wantsColor(choice, columns !== undefined)) return { width, paint: plain };
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  return { width, paint: { strong: chalk.bold, faint: chalk.dim, good: chalk.green, warn: chalk.yellow, bad: chalk.red } };
}
