import { heavyTailLatency, regionLatency, spreadOverRegions, uniformLatency } from '../latency.js';
import type { Scenario } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import type { SimulatedChain } from './chain.js';
import { consensusCheckers } from './checkers.js';
import { CRIMES } from './crimes.js';
import { nodeDisks, type Flaw, type NodeDisk } from './disk.js';
import { bootNode, type Packet } from './node.js';
import type { Seen } from './observations.js';
import { TOPICS } from './subject.js';

/** Agreement of real nodes on a real ledger. */
export function consensusScenario(
  name: string,
  chain: SimulatedChain,
  flaw?: Flaw,
): Scenario<Packet, NodeDisk, Seen> {
  return {
    name,
    isSynchronous: false,
    disks: nodeDisks(chain.store, flaw),
    crimes: Object.keys(CRIMES),
    maxByzantine: (nodes) => Math.floor((nodes - 1) / 3),
    tolerates: (nodes) => isBelowThird(chain, nodes),
    cues: { names: ['signed', 'proposal', 'prevote', 'precommit', 'final'], of: cueOf },
    topics: { names: TOPICS, of: (packet) => packet.subject },
    network: (random, nodes) => ({
      latency: random.pick([
        uniformLatency(MILLISECOND_US, 50 * MILLISECOND_US),
        heavyTailLatency(5 * MILLISECOND_US),
        regionLatency(spreadOverRegions(nodes)),
        // Slower than the first timeouts: only because they grow is anything ever decided.
        ...(random.chance(1, 2) ? [uniformLatency(400 * MILLISECOND_US, 700 * MILLISECOND_US)] : []),
      ]),
      isOrdered: random.chance(1, 2),
      maxInFlight: 2_000,
      overflow: random.pick(['drop-newest', 'drop-connection'] as const),
      copy: (packet) => packet,
    }),
    boot: (home, crime) => bootNode(home, chain, crime),
    checkers: (setting) => consensusCheckers(setting, chain),
  };
}

/** With room for what clients delegate to them in a run. */
function isBelowThird({ validators }: SimulatedChain, nodes: readonly number[]): boolean {
  const totalWei = validators.reduce((total, { stakeWei }) => total + stakeWei, 0n);
  const theirsWei = nodes.reduce((total, node) => total + (validators[node]?.stakeWei ?? 0n), 0n);
  return theirsWei * 100n <= totalWei * 29n;
}

function cueOf(seen: Seen): string {
  return seen.kind === 'said' ? seen.step : seen.kind;
}
