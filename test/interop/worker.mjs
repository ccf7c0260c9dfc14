import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { environmentPython } from "./environment.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Bytes of a worker's complaints that are kept to be shown with a failure. */
const keptComplaints = 8192;

/** One Python process for each environment, started with the first check and kept until the last. */
export class Workers {
  #running = new Map();

  /** What `check(…args)` of the module answers. Checks of one environment run one after another. Rejects with its traceback. */
  call(environment, module, args) {
    let worker = this.#running.get(environment);
    if (worker === undefined) {
      worker = new Worker(environment);
      this.#running.set(environment, worker);
    }
    return worker.call(module, args);
  }

  close() {
    for (const worker of this.#running.values()) worker.close();
  }
}

class Worker {
  #child;
  #complaints = "";
  /** What the checks on their way wait for, oldest first. */
  #waiting = [];

  constructor(environment) {
    this.#child = spawn(environmentPython(environment), [join(here, "worker.py")], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#complaints = (this.#complaints + text).slice(-keptComplaints);
    });
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      const [ok, answer] = JSON.parse(line);
      const check = this.#waiting.shift();
      if (ok) check?.resolve(answer);
      else check?.reject(new Error(answer));
    });
    this.#child.on("close", (code) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the Python of ${environment} ended with exit code ${code}\n${this.#complaints}`));
    });
  }

  call(module, args) {
    const answer = new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
    this.#child.stdin.write(`${JSON.stringify([module, args])}\n`);
    return answer;
  }

  close() {
    this.#child.stdin.end();
  }
}
