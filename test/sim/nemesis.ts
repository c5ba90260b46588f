import type { Prng } from '../support/prng.js';
import type { Fault, FaultBody, FaultKind } from './faults.js';
import { MILLISECOND_US, SECOND_US } from './units.js';

export interface TroublePlan {
  readonly nodes: number;
  /** Kinds to choose from. */
  readonly kinds: readonly FaultKind[];
  /** Topics of messages to choose from, for censors; likewise cues, for ambushes. */
  readonly topics?: readonly string[];
  readonly cues?: readonly string[];
  /** Faults begin and end within this time from the start. */
  readonly troubleUs: number;
}

/** Faults per simulated second, at most; a run draws its own measure. */
const MAX_FAULTS_PER_SECOND = 2;
const MAX_FAULTS = 2_000;

/**
 * Draws the faults of a run, in order of time. Each run takes its own subset of the kinds and its own density, so that some runs know
 * one kind of fault only and some know all at once.
 */
export function planFaults(random: Prng, plan: TroublePlan): readonly Fault[] {
  const kinds = plan.kinds.filter(() => random.chance(1, 2));
  if (kinds.length === 0 || plan.nodes < 2) return [];
  const most = Math.floor((plan.troubleUs * MAX_FAULTS_PER_SECOND) / SECOND_US);
  const count = 1 + random.below(Math.min(Math.max(most, 1), MAX_FAULTS));
  const faults = Array.from({ length: count }, (): Fault[] => {
    const atUs = random.below(plan.troubleUs);
    const durationUs = 1 + random.below(Math.min(plan.troubleUs - atUs, longest(random)));
    const fault: Fault = { ...drawBody(random, random.pick(kinds), plan), atUs, durationUs };
    if (fault.kind !== 'censor' || !plan.kinds.includes('ambush') || random.chance(2, 3)) return [fault];
    // Censors leave locks behind: whoever has one is to forget it, if it can.
    return [fault, { ...drawBody(random, 'ambush', plan), atUs, durationUs }];
  }).flat();
  return faults.sort((a, b) => a.atUs - b.atUs);
}

/** Most faults are short next to a timeout, some are long. */
function longest(random: Prng): number {
  return random.pick([50 * MILLISECOND_US, 500 * MILLISECOND_US, 5 * SECOND_US, 20 * SECOND_US]);
}

/** Draws who is Byzantine, at most `max`, and how. A third of the runs has no crimes. */
export function planCrimes(
  random: Prng,
  {
    nodes,
    max,
    crimes,
    tolerates = () => true,
  }: {
    readonly nodes: number;
    readonly max: number;
    readonly crimes: readonly string[];
    readonly tolerates?: ((nodes: readonly number[]) => boolean) | undefined;
  },
): ReadonlyMap<number, string> {
  const planned = new Map<number, string>();
  if (crimes.length === 0 || random.chance(1, 3)) return planned;
  for (const node of shuffled(random, nodes).slice(0, random.below(max + 1))) {
    const crime = random.pick(crimes);
    if (tolerates([...planned.keys(), node])) planned.set(node, crime);
  }
  return planned;
}

function drawBody(random: Prng, kind: FaultKind, { nodes, topics = [], cues = [] }: TroublePlan): FaultBody {
  const node = random.below(nodes);
  const other = (node + 1 + random.below(nodes - 1)) % nodes;
  switch (kind) {
    case 'partition':
      return drawPartition(random, nodes);
    case 'censor':
      return {
        ...{ kind, topic: random.pick(topics), exempt: node },
        rounds: random.pick(['all', 'even', 'odd']),
        isMute: random.chance(1, 4),
        sender: random.chance(1, 2) ? other : undefined,
      };
    case 'clog':
      return { kind, from: node, to: other };
    case 'disconnect':
      return { kind, a: node, b: other };
    case 'loss':
      return { kind, permille: 1 + random.below(300) };
    case 'duplication':
      return { kind, permille: 1 + random.below(500) };
    case 'reordering':
      return { kind, permille: 1 + random.below(500), maxUs: 1 + random.below(SECOND_US) };
    case 'skew':
      return { kind, node, jumpMs: random.below(20_001) - 10_000 };
    case 'drift':
      return { kind, node, ppm: random.below(200_001) - 100_000 };
    case 'pause':
      return { kind, node };
    case 'crash':
      return { kind, node, atEffect: random.chance(1, 3) ? 0 : 1 + random.below(60) };
    case 'ambush':
      return { kind, node, cue: random.pick(cues), atEffect: 1 + random.below(nodes + 2) };
    case 'foreign-disk':
      return { kind, node, owner: other };
    case 'disk-full':
      return { kind, node };
    case 'slow-disk':
      return { kind, node, latencyUs: 1 + random.below(500 * MILLISECOND_US) };
  }
}

/** Halves, a lone node, or anything between. */
function drawPartition(random: Prng, nodes: number): FaultBody {
  const order = shuffled(random, nodes);
  const size = random.pick([1, Math.floor(nodes / 2), 1 + random.below(nodes - 1)]);
  const ascending = (a: number, b: number): number => a - b;
  return {
    kind: 'partition',
    group: order.slice(0, size).sort(ascending),
    rest: order.slice(size).sort(ascending),
    isOneWay: random.chance(1, 4),
  };
}

function shuffled(random: Prng, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order;
}
