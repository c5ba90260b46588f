import { invariant } from '../../../protocol/invariant.js';
import type { Prng } from '../../support/prng.js';
import { agreement, check, type Checker } from '../checker.js';
import { heavyTailLatency, regionLatency, spreadOverRegions, uniformLatency } from '../latency.js';
import type { NetworkOptions } from '../network.js';
import type { Scenario, Setting } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import { CRIMES } from './crimes.js';
import { GOAL } from './message.js';
import { bootNode, type Flaw, type Seen } from './node.js';
import { NOTEBOOKS, type Notebook } from './notebook.js';

/** Reliable broadcast: the protocol that shows that the simulator simulates. */
export function broadcastScenario(flaw?: Flaw): Scenario<unknown, Notebook, Seen> {
  return {
    name: flaw === undefined ? 'broadcast' : `broadcast-${flaw}`,
    isSynchronous: false,
    disks: NOTEBOOKS,
    crimes: Object.keys(CRIMES),
    maxByzantine: (nodes) => Math.floor((nodes - 1) / 3),
    network: drawNetwork,
    boot: (home, crime) => {
      if (crime === undefined) return bootNode(home, flaw);
      const commit = CRIMES[crime];
      invariant(commit !== undefined, `there is a crime '${crime}'`);
      return commit(home);
    },
    checkers: (setting) => [
      agreement('agreement', ({ kind, origin, sequence, value }) =>
        kind === 'deliver' ? { matter: `${origin}/${sequence}`, value } : undefined,
      ),
      validity(setting),
      totality(setting),
    ],
  };
}

function drawNetwork(random: Prng, nodes: number): Omit<NetworkOptions<unknown>, 'nodes'> {
  const latency = random.pick([
    uniformLatency(MILLISECOND_US, 50 * MILLISECOND_US),
    heavyTailLatency(5 * MILLISECOND_US),
    regionLatency(spreadOverRegions(nodes)),
  ]);
  return {
    latency,
    isOrdered: random.chance(1, 2),
    maxInFlight: 1_000,
    overflow: random.pick(['drop-newest', 'drop-connection'] as const),
  };
}

/** What is delivered of an honest origin, it has proposed. */
function validity({ crimes }: Setting): Checker<Seen> {
  const name = 'validity';
  const proposed = new Set<string>();
  return {
    name,
    observe: ({ kind, origin, sequence, value }, { node, isHonest }) => {
      const key = `${origin}/${sequence} ${value}`;
      if (kind === 'propose') proposed.add(key);
      else if (isHonest && !crimes.has(origin)) {
        check(name, proposed.has(key), () => `node ${node} delivered ${key}, which nobody proposed`);
      }
    },
  };
}

/** Every broadcast of an honest origin, and every one delivered by one honest node, is delivered by all. */
function totality({ nodes, crimes }: Setting): Checker<Seen> {
  const honest = nodes - crimes.size;
  const deliveredBy = new Map<string, Set<number>>();
  for (let origin = 0; origin < nodes; origin++) {
    for (let sequence = 0; sequence < GOAL && !crimes.has(origin); sequence++) {
      deliveredBy.set(`${origin}/${sequence}`, new Set());
    }
  }
  const incomplete = (): [string, Set<number>] | undefined =>
    [...deliveredBy].find(([, delivered]) => delivered.size < honest);
  return {
    name: 'totality',
    observe: ({ kind, origin, sequence }, { node, isHonest }) => {
      if (kind !== 'deliver' || !isHonest) return;
      const key = `${origin}/${sequence}`;
      deliveredBy.set(key, (deliveredBy.get(key) ?? new Set()).add(node));
    },
    isSatisfied: () => incomplete() === undefined,
    missing: () => {
      const [key = '', delivered = new Set<number>()] = incomplete() ?? [];
      return `${key} was delivered by {${[...delivered].join(' ')}} only`;
    },
  };
}
