import { broadcastScenario } from '../test/sim/broadcast/scenario.js';
import { FAULT_KINDS } from '../test/sim/faults.js';
import { uniformLatency } from '../test/sim/latency.js';
import { Network } from '../test/sim/network.js';
import { Recorder } from '../test/sim/recorder.js';
import { runScenario } from '../test/sim/run.js';
import { Scheduler } from '../test/sim/scheduler.js';
import { createStreams } from '../test/sim/streams.js';
import type { Scenario, Suite } from './harness.js';

const EVENTS = 100_000;
const NODES = 16;
const GOAL = '≥ 200,000 events /s on one core';

export const suite: Suite = {
  scenarios: (): readonly Scenario[] => [
    {
      name: 'simulator/timers',
      operations: EVENTS,
      goal: GOAL,
      ours: { name: 'synchronous', run: runTimers },
      peers: [{ name: 'microtasks drained', run: runSleepers }],
    },
    {
      name: `simulator/messages/${NODES}-nodes`,
      operations: EVENTS,
      goal: GOAL,
      ours: { name: 'synchronous', run: () => flood().runSync() },
      peers: [{ name: 'microtasks drained', run: () => flood().run() }],
    },
  ],
  measurements: async () => {
    const options = { nodes: 7, kinds: FAULT_KINDS, troubleUs: 30_000_000, without: [], hasStory: false };
    const startMs = performance.now();
    let events = 0;
    let simulatedUs = 0;
    const seeds = 200;
    for (let seed = 1; seed <= seeds; seed++) {
      const outcome = await runScenario(broadcastScenario(), seed, options);
      events += outcome.events;
      simulatedUs += outcome.simulatedUs;
    }
    const wallMs = performance.now() - startMs;
    const rate = Math.round((1000 * events) / wallMs).toLocaleString('en-GB');
    const factor = Math.round(simulatedUs / 1000 / wallMs);
    const value = `${rate} events /s, ${factor} × real time, ${(wallMs / seeds).toFixed(1)} ms a seed`;
    return [{ name: 'simulator/broadcast/7-nodes-all-faults', value, goal: GOAL }];
  },
};

/** A thousand timers that set themselves again. */
function runTimers(): void {
  const scheduler = new Scheduler();
  for (let i = 0; i < 1000; i++) {
    const again = (): void => void scheduler.after(1 + (i % 97), again);
    again();
  }
  scheduler.runSync({ isDone: () => scheduler.executed >= EVENTS });
}

/** The same as async functions that sleep. */
async function runSleepers(): Promise<void> {
  const scheduler = new Scheduler();
  const live = async (delayUs: number): Promise<void> => {
    for (;;) await scheduler.sleep(delayUs);
  };
  for (let i = 0; i < 1000; i++) void live(1 + (i % 97));
  await scheduler.run({ isDone: () => scheduler.executed >= EVENTS });
}

/** Nodes that pass each message on to another node, until enough have been delivered. */
function flood(): { runSync: () => void; run: () => Promise<unknown> } {
  const scheduler = new Scheduler();
  const recorder = new Recorder(() => scheduler.nowUs);
  const options = {
    nodes: NODES,
    latency: uniformLatency(1_000, 50_000),
    isOrdered: false,
    maxInFlight: 1_000,
    overflow: 'drop-newest',
  } as const;
  const world = { scheduler, recorder, streams: createStreams(1) };
  const network: Network<object> = new Network<object>(options, world, {
    deliver: (_from, to, message) => network.send(to, (to + 3) % NODES, message, 100),
    disconnected: () => undefined,
  });
  const vote = { height: 7, round: 0, blockId: new Uint8Array(32), signature: new Uint8Array(96) };
  for (let i = 0; i < 10 * NODES; i++) network.send(i % NODES, (i + 1) % NODES, vote, 100);
  const isDone = (): boolean => scheduler.executed >= EVENTS;
  return { runSync: () => void scheduler.runSync({ isDone }), run: () => scheduler.run({ isDone }) };
}
