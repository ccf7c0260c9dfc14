import { CheckpointError } from "../errors.ts";
import { brief } from "../text/brief.ts";
import type { DoctorRecord } from "../verify/doctor.ts";
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

/**
 * What this machine has for `verify`: Node, engines, devices, drivers, decoders of pictures; where each was looked for, and what to type for
 * what is missing. Never throws for what is not there.
 *
 * @example
 * const { engines } = await doctor();
 * console.log(engines.filter(({ available }) => available).map(({ engine }) => engine));
 */
export async function doctor(): Promise<DoctorRecord> {
  return (await import("../verify/doctor.ts")).examineMachine();
}
