import { type DeviceRecord, probeDevices } from "./engines/engines.ts";
import { askDriver, type Gpu } from "./engines/gpu.ts";
import { installHint } from "./engines/installation.ts";
import { ENGINES_VARIABLE, searchedFolders } from "./engines/optional-package.ts";
import { loadSharp } from "./input/sharp.ts";

/** What this machine has for `verify`, and what to type for what it has not. */
export interface DoctorRecord {
  readonly schema: "vggtool/doctor/1";
  readonly node: { readonly version: string; readonly platform: string; readonly arch: string };
  readonly packages: {
    /** Folders that are looked into for optional packages, in this order; those that exist. */
    readonly folders: readonly string[];
    /** What VGGTOOL_ENGINES says; null: nothing. */
    readonly variable: string | null;
  };
  /** What each engine would use unasked. */
  readonly engines: readonly DeviceRecord[];
  /** What each engine would use with --device gpu, and what is missing where it cannot. */
  readonly gpu: readonly DeviceRecord[];
  readonly drivers: readonly DriverRecord[];
  readonly decoders: readonly DecoderRecord[];
}

export interface DriverRecord {
  readonly name: string;
  readonly devices: readonly Gpu[];
  readonly problem?: string;
}

export interface DecoderRecord {
  readonly name: string;
  readonly pictures: string;
  readonly available: boolean;
  readonly version?: string;
  readonly problem?: string;
}

/** Looks at everything and changes nothing; whatever is missing is a sentence, never an error. */
export async function examineMachine(): Promise<DoctorRecord> {
  const folder = process.env[ENGINES_VARIABLE];
  const driver = await askDriver();
  const sharp = await loadSharp();
  return {
    schema: "vggtool/doctor/1",
    node: { version: process.versions.node, platform: process.platform, arch: process.arch },
    packages: { folders: searchedFolders(), variable: folder === undefined || folder === "" ? null : folder },
    engines: await probeDevices("auto"),
    gpu: await probeDevices("gpu"),
    drivers: [{ name: "NVIDIA", devices: driver.gpus, ...(driver.problem === undefined ? {} : { problem: driver.problem }) }],
    decoders: [
      { name: "built in", pictures: "PNG, JPEG", available: true },
      {
        name: "sharp",
        pictures: "JPEG, PNG, WebP, GIF, TIFF, AVIF",
        available: "decode" in sharp,
        ...("decode" in sharp ? { version: sharp.version } : { problem: `the package sharp ${sharp.problem}: ${installHint("sharp")}` }),
      },
    ],
  };
}
