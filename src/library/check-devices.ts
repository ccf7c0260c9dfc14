import { CheckpointError } from "../errors.ts";
import { brief } from "../text/brief.ts";
import type { DeviceChoice, DeviceRecord } from "../verify/engines/engines.ts";
import { oneOf } from "./checks.ts";
import { spoken } from "./with-context.ts";

/** The values of the option `device`. */
export const deviceChoices = ["cpu", "cuda", "gpu", "auto"] as const;

/**
 * What each engine of `verify` would use, and what is missing where one cannot run.
 *
 * @param device Where it is to run: `cpu`, `cuda`, `gpu` (the best that is there), or `auto`, which takes a GPU where there is one.
 * @throws CheckpointError `usage` for another device.
 * @example
 * for (const { engine, available, problem } of await checkDevices("cuda"))
 *   console.log(engine, available, problem);
 */
export async function checkDevices(device: DeviceChoice = "auto"): Promise<readonly DeviceRecord[]> {
  return spoken(undefined, async () => {
    const check = oneOf(deviceChoices);
    if (!check.holds(device)) throw new CheckpointError("usage", `the device is ${brief(device)}, needed ${check.needed}`);
    return (await import("../verify/engines/engines.ts")).probeDevices(device);
  });
}
