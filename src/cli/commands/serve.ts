import { Command } from "commander";
import { type ServeOptions, serveApp } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, outputFor, setExitCode } from "../output.ts";
import { parseWholeNumber } from "./parse.ts";

interface Options extends CommonOptions, ServeOptions {
  readonly open?: boolean;
}

export function serveCommand(): Command {
  return new Command("serve")
    .description("the page as an app, with the files of a folder, on this machine alone")
    .argument("[dir]", "the folder whose files the page may read", ".")
    .addHelpText("before", "Examples:\n  vggtool serve\n  vggtool serve zoo --port 8080 --open\n")
    .option("--port <n>", "listen here instead of at any port that is free", parseWholeNumber)
    .option("--open", "open the page in the browser")
    .action(run);
}

async function run(folder: string, { port, open, ...common }: Options): Promise<void> {
  const output = await outputFor(common);
  try {
    const { address, close } = await serveApp(folder, port === undefined ? {} : { port });
    const signal = interruptSignal();
    output.data(output.json ? toJson({ schema: "vggtool/serve/1", address }) : address);
    output.note("the address has a token: whoever has it may read the folder's files; Ctrl-C ends it");
    if (open === true) await openInBrowser(address);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await close();
  } catch (error) {
    setExitCode(reportFailure(error, output.json, folder));
  }
}

/** What opens an address on each system. */
const openers: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

async function openInBrowser(address: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(command, [...args, address], { stdio: "ignore", detached: true });
  // Without a browser the printed address does as well.
  child.on("error", () => {});
  child.unref();
}
