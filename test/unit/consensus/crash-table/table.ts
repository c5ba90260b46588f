import type { SimulatedChain } from '../../../sim/consensus/chain.js';
import type { Plan } from './cluster.js';
import type { Fate, Point } from './life.js';
import { pointsOf, run, storyOf, type Outcome, type Story } from './run.js';
import type { Script } from './scripts.js';

/** What a death leaves, and what comes after it. */
export type Recovery = (typeof RECOVERIES)[number];

export const RECOVERIES = [
  /** The process dies; the kernel keeps what it was given. */
  'process death',
  /** What was not synced is lost, torn or garbled: drawn anew in each. */
  'power loss',
  'another power loss',
  /** As a power loss; then the same again while the node comes back. */
  'death again',
  /** Every write fails for a while; nothing else happens. */
  'full disk',
  /** As a process death; then a start on another node's log, which must be refused. */
  'foreign log',
] as const;

/**
 * Not tried at steps of the round: these leave the disk as the durable step before left it, with nothing unsynced, so that they would repeat
 * another row.
 */
const ONLY_DURABLE: readonly Recovery[] = ['another power loss', 'foreign log'];

export interface Row {
  readonly point: Point;
  /** How many points the life had passed. */
  readonly number: number;
  readonly recovery: Recovery;
  /** How often the node was started. */
  readonly starts: number;
  /** Where it died while it came back from the first death. */
  readonly diedAgainAt: string | undefined;
  /** Whether it voted under a lock that it had to remember from before a death. */
  readonly hasRememberedLock: boolean;
  readonly faults: readonly string[];
}

export interface Table {
  readonly script: string;
  /** How the script goes with no death in it. */
  readonly story: Story;
  readonly rows: readonly Row[];
  readonly faults: readonly string[];
}

/** Every point of a crash-free run of a script, with every recovery. */
export async function tableOf(chain: SimulatedChain, script: Script): Promise<Table> {
  const unharmed = await run(
    chain,
    script,
    plan(() => undefined),
    2,
  );
  const points = pointsOf(unharmed);
  const decided = points.findIndex(({ name }) => name === 'decided');
  const rows: Row[] = [];
  for (const [number, point] of points.entries()) {
    let recoveryPoints = 1;
    for (const recovery of RECOVERIES) {
      if (point.kind === 'step' && ONLY_DURABLE.includes(recovery)) continue;
      // After a loss of power, and where the first height is over, the node has to show that it goes on.
      const heights = recovery === 'power loss' || number >= decided ? 2 : 1;
      const outcome = await run(chain, script, planOf(recovery, number, recoveryPoints), heights);
      if (recovery === 'power loss') recoveryPoints = pointsOfRecovery(outcome);
      rows.push(rowOf(outcome, { point, number, recovery }));
    }
  }
  return { script: script.name, story: storyOf(unharmed), rows, faults: unharmed.faults };
}

function rowOf(
  { cluster: { victim }, faults }: Outcome,
  place: Pick<Row, 'point' | 'number' | 'recovery'>,
): Row {
  const starts = victim.lives.length;
  const isTried = place.recovery === 'foreign log';
  return {
    ...place,
    starts,
    diedAgainAt: place.recovery === 'death again' ? victim.lives[1]?.points.at(-1)?.name : undefined,
    hasRememberedLock: victim.oath.locksRemembered > 0,
    faults: [
      ...faults,
      ...(starts < STARTS[place.recovery] ? ['did not die as planned'] : []),
      ...(isTried && victim.foreignRefusals !== 1 ? ['the foreign log was not refused'] : []),
    ],
  };
}

/** How often a node is started at least. */
const STARTS: Readonly<Record<Recovery, number>> = {
  'process death': 2,
  'power loss': 2,
  'another power loss': 2,
  'death again': 3,
  'full disk': 1,
  'foreign log': 3,
};

/** @param recoveryPoints how many points a life passes while it comes back from a death here */
function planOf(recovery: Recovery, number: number, recoveryPoints: number): Plan {
  const at = (fate: Fate, ...points: readonly number[]): Plan['fateAt'] => {
    return (life, point) => (points[life] === point ? fate : undefined);
  };
  // Not every point with every point of its recovery: one of them each, in turn, so that no point of the recovery is left out.
  const secondDeath = number % recoveryPoints;
  switch (recovery) {
    case 'process death':
      return plan(at('dies', number));
    case 'power loss':
      return plan(at('dies', number), { crash: 'power', seed: 1 + number });
    case 'another power loss':
      return plan(at('dies', number), { crash: 'power', seed: 10_000 + number });
    case 'death again':
      return plan(at('dies', number, secondDeath), { crash: 'power', seed: 1 + number });
    case 'full disk':
      return plan(at('disk-fills', number));
    case 'foreign log':
      return plan(at('dies', number), { triesForeignLog: true });
  }
}

function plan(fateAt: Plan['fateAt'], rest: Partial<Plan> = {}): Plan {
  return { fateAt, crash: 'process', triesForeignLog: false, seed: 0, ...rest };
}

/** How many points the second life had passed when it was back. */
function pointsOfRecovery({ cluster: { victim } }: Outcome): number {
  return Math.max(1, victim.openedAfter.at(-1) ?? 1);
}
