import type { DifferenceMeter } from "./compare/measure.ts";
import type { OtherRun } from "./compare/passes.ts";
import type { Device, Engine } from "./engines/engine.ts";
import type { SelfTest } from "./engines/self-test/self-test.ts";
import type { EngineRecord, RunRecord, ToleranceRecord } from "./record.ts";

/** An engine, and what it computed of the network's layers before; undefined where it was not asked to. */
export interface TestedEngine {
  readonly engine: Engine;
  readonly selfTest: SelfTest | undefined;
}

export function engineRecord({ engine, selfTest }: TestedEngine, { version, device, deviceName }: Device): EngineRecord {
  const tested = selfTest === undefined ? null : { layers: selfTest.layers, largestError: selfTest.largest };
  return { name: engine.id, version, device, deviceName, selfTest: tested };
}

/** What a run gave against the first run. */
export function runRecord(file: string, tested: TestedEngine, run: OtherRun, tolerance: ToleranceRecord): RunRecord {
  const results = [...run.meters].map(([layer, meter]: [string, DifferenceMeter]) => ({ layer, ...meter.result(tolerance) }));
  return {
    file,
    engine: engineRecord(tested, run.device),
    maxRel: results.reduce((largest, { maxRel }) => Math.max(largest, maxRel), 0),
    firstDivergence: results.find(({ pass }) => !pass)?.layer ?? null,
    seconds: run.load + run.run,
  };
}
