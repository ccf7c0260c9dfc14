import type { Statistics } from "../../tensor/statistics/statistics.ts";
import { few } from "../../text/few.ts";
import type { AuditSubject, Check, Finding } from "./check.ts";
import { type Initialiser, initialisers, type Match, matches } from "./initialisers.ts";
import { type LayerWeight, layerWeights } from "./layer-weights.ts";

/**
 * How rare a coincidence has to be, in powers of ten. A layer's deviation within 1 % of a formula, where trained ones lie
 * anywhere within a factor of e to both sides, counts 2; biases that are still all the same count 1.5 more.
 */
const ENOUGH_EVIDENCE = 3;
const UNTOUCHED_BIAS = 1.5;

/** Only the end of a uniform or cut distribution tells its scale so well from some thousand weights. */
const SHARP = 0.01;

interface Suspect {
  readonly weight: LayerWeight;
  readonly match: Match;
  /** Whether its biases (or its batch norm's beta) still have one value. */
  readonly untouched: boolean;
}

interface Group {
  readonly title: string;
  readonly suspects: readonly Suspect[];
}

export const looksInitial: Check = {
  code: "looks-initial",
  title: "layers whose values are distributed as an initialiser leaves them",
  needs: "statistics",
  async run(subject) {
    const { checkpoint, identity, statistics } = subject;
    if (identity === undefined || statistics === undefined) return [];
    const weights = layerWeights(checkpoint, identity);
    const groups = [...constants(weights, statistics), ...explained(weights, subject, statistics)];
    return groups.length === 0 ? [] : [finding(groups, weights)];
  },
};

function finding(groups: readonly Group[], weights: readonly LayerWeight[]): Finding {
  const layers = groups.flatMap(({ suspects }) => suspects.map(({ weight }) => weight.layer));
  const parts = groups.map(({ title, suspects }) => {
    const worst = Math.max(...suspects.map(({ match }) => Math.abs(match.ratio - 1)));
    const biases = suspects.every(({ untouched }) => untouched) ? ", biases all alike" : "";
    return `${few(suspects.map(({ weight }) => weight.layer))}: ${title}, deviation within ${percent(worst)} %${biases}`;
  });
  const all = layers.length === weights.length;
  return {
    code: "looks-initial",
    severity: all ? "warning" : "info",
    message: `${all ? "all" : layers.length} of ${weights.length} layers look freshly initialised, not trained: ${parts.join("; ")}`,
    layers,
    fix: all
      ? "check that the trained weights were loaded before this checkpoint was saved"
      : "expected of a head that is to be trained; else check which layers were loaded",
  };
}

function percent(ratio: number): string {
  return (ratio * 100).toPrecision(2);
}

/** Layers in which all weights have one value other than 0. */
function constants(weights: readonly LayerWeight[], statistics: ReadonlyMap<string, Statistics>): readonly Group[] {
  const suspects = weights.flatMap((weight): readonly Suspect[] => {
    const found = statistics.get(weight.tensor.name);
    const constant = found !== undefined && found.count > 1 && found.min === found.max && found.min !== 0 && found.nan === 0;
    return constant ? [{ weight, match: { ratio: 1, tolerance: 0 }, untouched: false }] : [];
  });
  return suspects.length === 0 ? [] : [{ title: "one constant", suspects }];
}

/** The initialiser that explains most, then the one that explains most of the rest, as long as chance does not. */
function explained(weights: readonly LayerWeight[], subject: AuditSubject, statistics: ReadonlyMap<string, Statistics>): readonly Group[] {
  const groups: Group[] = [];
  let open = weights;
  while (true) {
    const best = initialisers
      .map((initialiser) => ({
        title: initialiser.title,
        suspects: open.flatMap((weight) => suspect(weight, initialiser, subject, statistics)),
      }))
      .map((group) => ({ ...group, evidence: group.suspects.reduce((sum, each) => sum + evidence(each), 0) }))
      .reduce((most, group) => (group.evidence > most.evidence ? group : most));
    if (best.evidence < ENOUGH_EVIDENCE) return groups;
    groups.push(best);
    const taken = new Set(best.suspects.map(({ weight }) => weight));
    open = open.filter((weight) => !taken.has(weight));
  }
}

function evidence({ match, untouched }: Suspect): number {
  return Math.max(0, -Math.log10(2 * match.tolerance)) + (untouched ? UNTOUCHED_BIAS : 0);
}

function suspect(
  weight: LayerWeight,
  initialiser: Initialiser,
  subject: AuditSubject,
  statistics: ReadonlyMap<string, Statistics>,
): readonly Suspect[] {
  const found = statistics.get(weight.tensor.name);
  const match = found === undefined ? undefined : matches(found, weight.tensor.dtype, weight.fanIn, weight.fanOut, initialiser);
  if (match === undefined) return [];
  const biases = (["bias", "bn.bias"] as const).flatMap((part) => {
    const slot = subject.identity?.roles.get(`${weight.layer}.${part}`);
    const bias = slot === undefined || "constant" in slot ? undefined : statistics.get(slot.key);
    return bias === undefined ? [] : [bias];
  });
  const untouched = biases.length > 0 && biases.every((bias) => bias.count > 1 && bias.min === bias.max);
  // One step of training moves every bias; but where weights end as sharply as this, they were frozen, whatever their biases did.
  const frozen = match.tolerance < SHARP;
  const bound = (initialiser.bias?.(weight.fanIn) ?? Number.NaN) * (1 + 1e-6);
  const within = biases.every(({ min, max }) => Number(min) >= -bound && Number(max) <= bound);
  return untouched || frozen || biases.length === 0 || within ? [{ weight, match, untouched }] : [];
}
