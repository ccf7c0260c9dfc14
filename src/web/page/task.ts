import { element } from "../../report/page/script/dom.ts";
import { type TaskWatch, WorkFailed } from "./worker-client.ts";

/** Where the page says what it does, and what went wrong. */
export class TaskBar {
  readonly element: HTMLElement;
  readonly #status = element("p", { attributes: { role: "status" } });
  readonly #failure = element("div", { attributes: { role: "alert" } });
  readonly #meter = element("progress", { attributes: { "aria-label": "How far it is" } });
  readonly #stop = element("button", { attributes: { type: "button" } }, "Stop");
  #running: AbortController | undefined;

  constructor() {
    this.element = element("div", { class: "task" }, this.#status, this.#meter, this.#stop, this.#failure);
    this.#stop.addEventListener("click", () => this.#running?.abort());
    this.#show(undefined);
  }

  /** Runs one thing and shows how far it is; another one that runs is given up. undefined: it failed, which is said, or was given up. */
  async run<T>(title: string, work: (watch: TaskWatch) => Promise<T>): Promise<T | undefined> {
    this.#running?.abort();
    const controller = new AbortController();
    this.#running = controller;
    this.#failure.replaceChildren();
    this.#show(title);
    let [done, all] = [0, 0];
    try {
      return await work({
        signal: controller.signal,
        onPhase: (phase, bytes) => {
          [done, all] = [0, bytes];
          this.#status.textContent = `${title}: ${phase}`;
        },
        onProgress: (bytes) => {
          done += bytes;
          if (all > 0) this.#meter.value = Math.min(1, done / all);
        },
      });
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      if (!(error instanceof WorkFailed)) throw error;
      this.#failure.replaceChildren(
        element("p", { class: "error" }, error.message),
        ...(error.hint === undefined ? [] : [element("p", {}, element("strong", {}, "What to do: "), error.hint)]),
      );
      return undefined;
    } finally {
      if (this.#running === controller) {
        this.#running = undefined;
        this.#show(undefined);
      }
    }
  }

  #show(title: string | undefined): void {
    this.#status.textContent = title ?? "";
    this.#meter.removeAttribute("value");
    this.#meter.hidden = title === undefined;
    this.#stop.hidden = title === undefined;
  }
}
