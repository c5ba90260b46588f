import { heavyTailLatency, regionLatency, spreadOverRegions, uniformLatency } from '../latency.js';
import type { Scenario } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import type { SimulatedChain } from './chain.js';
import { consensusCheckers } from './checkers.js';
import { CRIMES } from './crimes.js';
import { nodeDisks, type Flaw, type NodeDisk } from './disk.js';
import { bootNode, type Packet } from './node.js';
import type { Seen } from './observations.js';

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
    network: (random, nodes) => ({
      latency: random.pick([
        uniformLatency(MILLISECOND_US, 50 * MILLISECOND_US),
        heavyTailLatency(5 * MILLISECOND_US),
        regionLatency(spreadOverRegions(nodes)),
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
