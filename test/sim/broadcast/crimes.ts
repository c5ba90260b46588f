import type { Inhabitant } from '../scenario.js';
import { MILLISECOND_US } from '../units.js';
import { GOAL, parseMessage, type Step } from './message.js';
import type { Home } from './node.js';

const PERIOD_US = 200 * MILLISECOND_US;
const MESSAGE_BYTES = 120;
const STEPS: readonly Step[] = ['send', 'echo', 'ready'];

/** Nodes that break the protocol, named by what they do. */
export const CRIMES: Readonly<Record<string, (home: Home) => Inhabitant<unknown>>> = {
  silence: () => ({ receive: () => undefined }),
  garbage: (home) => {
    const throwOne = (): void => {
      home.send(anyone(home), garbage(home), MESSAGE_BYTES);
    };
    const throwAgain = (): void => {
      home.setTimer(PERIOD_US, throwAgain);
      throwOne();
    };
    throwAgain();
    return { receive: throwOne };
  },
  equivocation: (home) => {
    const speakBothWays = (): void => {
      home.setTimer(PERIOD_US, speakBothWays);
      for (let sequence = 0; sequence < GOAL; sequence++) tellHalves(home, home.node, sequence, STEPS);
    };
    speakBothWays();
    return {
      receive: (_from, raw) => {
        const message = parseMessage(raw, home.nodes);
        if (message?.kind === 'send') tellHalves(home, message.origin, message.sequence, ['echo', 'ready']);
      },
    };
  },
};

/** One story for the even, another for the odd. */
function tellHalves(home: Home, origin: number, sequence: number, steps: readonly Step[]): void {
  for (const kind of steps) {
    for (let to = 0; to < home.nodes; to++) {
      if (to !== home.node) {
        home.send(to, { kind, origin, sequence, value: to % 2 === 0 ? 'even' : 'odd' }, MESSAGE_BYTES);
      }
    }
  }
}

function garbage({ random, nodes }: Home): unknown {
  const slot = { origin: random.below(nodes), sequence: random.below(GOAL) };
  const choices: readonly (readonly [unknown])[] = [
    [undefined],
    [null],
    [random.u32()],
    ['ready'],
    [random.bytes(random.below(40))],
    [[[[]]]],
    [{ kind: 'ready' }],
    [{ kind: 'have', delivered: [1, -1, 0.5, 'x'] }],
    [{ kind: 'have', delivered: new Array(nodes).fill(GOAL + 1) }],
    [{ kind: 'echo', origin: nodes, sequence: 0, value: 'x' }],
    [{ kind: 'echo', origin: -1, sequence: 0.5, value: 'x' }],
    [{ kind: 'ready', ...slot, value: 'x'.repeat(65) }],
    [{ kind: 'ready', ...slot, value: 'invented' }],
  ];
  return random.pick(choices)[0];
}

function anyone({ node, nodes, random }: Home): number {
  return (node + 1 + random.below(nodes - 1)) % nodes;
}
