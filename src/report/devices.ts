import type { DeviceRecord } from "../verify/engines/engines.ts";
import { type Style, visible } from "./style.ts";

/** What `vggtool verify --check-device` prints: a line an engine, and what is missing where it cannot run. */
export function devicesText(devices: readonly DeviceRecord[], { paint }: Style): string {
  return devices
    .map(({ engine, available, device, deviceName, version, problem }) =>
      available
        ? `${paint.strong(engine)} ${version}: ${paint.good(device)}${deviceName === "" ? "" : ` (${visible(deviceName)})`}`
        : `${paint.strong(engine)}: ${paint.bad("not available")}: ${visible(problem ?? "it gives no reason")}`,
    )
    .join("\n");
}
