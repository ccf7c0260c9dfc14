import type { DoctorRecord } from "../verify/doctor.ts";

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
