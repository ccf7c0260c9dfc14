import { parentPort } from "node:worker_threads";
import { CheckpointError } from "../../index.ts";
import { runTask } from "./run-task.ts";
import type { Order } from "./task.ts";

/** What `vggtool --worker` does as a thread of another run: a task for each order, until the last. */
export async function serveTasks(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new CheckpointError("usage", "--worker is for threads that vggtool starts itself");
  const controller = new AbortController();
  port.on("message", (order: Order) => {
    if (order === "stop") controller.abort();
    else if (order === "end") port.close();
    else void runTask(order.task, order.form, controller.signal).then((outcome) => port.postMessage(outcome));
  });
}
