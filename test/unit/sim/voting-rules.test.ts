import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import { WRONG_ROOT } from '../../sim/consensus/crimes.js';
import type { Grounds, Seen } from '../../sim/consensus/observations.js';
import { patience, ROUNDS_OF_SLOW_NETWORK, votingRules } from '../../sim/consensus/rules.js';
import { stakeOf } from '../../sim/consensus/stakes.js';

const NODES = 4;
const CRIMINAL = 3;
const chain = await simulatedChain(NODES, false);
const setting = { seed: 1, nodes: NODES, crimes: new Map([[CRIMINAL, 'equivocator']]) };
const idOf = (node: number): string => toHex(chain.validators[node]?.id ?? new Uint8Array(0));

type Step = Extract<Seen, { readonly kind: 'said' }>['step'];

/** What four equal nodes say at height 1, the last of them Byzantine. */
function watch() {
  const [rules, patient] = [votingRules(setting, chain), patience(setting)];
  const see = (node: number, seen: Seen): void => {
    const moment = { node, isHonest: node !== CRIMINAL, timeUs: 0 };
    for (const checker of [rules, patient]) checker.observe?.(seen, moment);
  };
  const powers = new Map(Array.from({ length: NODES }, (_, node) => [idOf(node), 1]));
  see(0, { kind: 'set', height: 1, powers, line: '' });
  return {
    say: (step: Step, round: number, block: string | undefined, ...nodes: readonly number[]): void => {
      for (const node of nodes) see(node, { kind: 'said', step, height: 1, round, block, line: '' });
    },
    sayOn: (grounds: Partial<Grounds>, step: Step, round: number, node: number): void => {
      const held = { stateRoot: undefined, validRound: null, polka: undefined, ...grounds };
      see(node, { kind: 'said', step, height: 1, round, block: 'A', grounds: held, line: '' });
    },
    decide: (node: number, round: number, id: string, signers: readonly number[] = [0, 1, 3]): void => {
      const rest = {
        ...{ stateRoot: '', tombstoned: [], transactions: [], events: [], line: '' },
        signers: signers.map(idOf),
      };
      see(node, { kind: 'final', height: 1, round, id, ...rest });
    },
    heal: () => patient.healed?.(),
  };
}

describe('voting rules', () => {
  test('a precommit needs a polka; Byzantine nodes may have been part of it', () => {
    const nodes = watch();
    nodes.say('prevote', 0, 'A', 0);
    assert.throws(() => nodes.say('precommit', 0, 'A', 0), /polka: node 0/);
    nodes.say('prevote', 0, 'A', 1);
    nodes.say('precommit', 0, 'A', 0, 1);
    assert.throws(() => nodes.say('precommit', 1, 'A', 0), /polka: node 0/);
    nodes.say('precommit', 1, undefined, 0);
  });

  test('a decision needs a quorum of its round', () => {
    const nodes = watch();
    nodes.say('prevote', 0, 'A', 0, 1, 2);
    nodes.say('precommit', 0, 'A', 0);
    assert.throws(() => nodes.decide(0, 0, 'A'), /commit: node 0/);
    nodes.say('precommit', 0, 'A', 1);
    nodes.decide(0, 0, 'A');
    assert.throws(() => nodes.decide(0, 1, 'A'), /commit: node 0/);
  });

  test('the precommit that a node makes anew while it recovers, and decides with before anybody hears it, counts', () => {
    const nodes = watch();
    nodes.say('prevote', 0, 'A', 0, 1, 2);
    nodes.say('precommit', 0, 'A', 0);
    assert.throws(() => nodes.decide(2, 0, 'A', [0, 1, 3]), /commit: node 2/);
    nodes.decide(1, 0, 'A', [0, 1, 3]);
    nodes.decide(2, 0, 'A', [0, 1, 3]);
  });

  test('who has precommitted stands by it until a polka of that round or a later one, in proposals too', () => {
    const nodes = watch();
    nodes.say('prevote', 0, 'A', 0, 1, 2);
    nodes.say('precommit', 0, 'A', 0);
    nodes.say('prevote', 1, undefined, 0);
    nodes.say('prevote', 1, 'B', 1);
    assert.throws(() => nodes.say('proposal', 2, 'B', 0), /lock: node 0/);
    assert.throws(() => nodes.say('prevote', 2, 'B', 0), /lock: node 0/);
    nodes.say('prevote', 1, 'B', 2);
    nodes.say('prevote', 2, 'B', 0);
    nodes.say('proposal', 3, 'A', 0);
  });

  test('what a node has in hand is counted as it is, each voter once and Byzantine ones only where they voted', () => {
    const nodes = watch();
    nodes.say('prevote', 0, 'A', 0, 1, 2);
    const [zero, one, two] = [idOf(0), idOf(1), idOf(2)];
    nodes.sayOn({ polka: [zero, one, two] }, 'precommit', 0, 0);
    assert.throws(() => nodes.sayOn({ polka: [zero, one, one] }, 'precommit', 0, 0), /polka in hand: node 0/);
    assert.throws(() => nodes.sayOn({ polka: [] }, 'precommit', 0, 0), /polka in hand: node 0/);
    assert.throws(() => nodes.decide(0, 0, 'A', [0, 1]), /commit in hand: node 0/);
  });

  test('a block is prevoted again only for a polka that is known and of an earlier round', () => {
    const nodes = watch();
    const polka = [0, 1, CRIMINAL].map(idOf);
    nodes.say('prevote', 0, 'A', 0, 1);
    nodes.sayOn({ validRound: 0, polka }, 'prevote', 2, 0);
    assert.throws(() => nodes.sayOn({ validRound: 0, polka: [idOf(0)] }, 'prevote', 2, 0), /polka in hand/);
    assert.throws(() => nodes.sayOn({ validRound: 2, polka }, 'prevote', 2, 0), /polka in hand/);
  });

  test('a lock is undone by a polka of its round or a later one, whatever Byzantine nodes have said', () => {
    const nodes = watch();
    const polka = [0, 1, 2].map(idOf);
    nodes.say('prevote', 2, 'B', 0, 1);
    nodes.say('precommit', 2, 'B', 0);
    nodes.say('prevote', 1, 'A', 0, 1);
    nodes.say('prevote', 3, 'A', 1, 2);
    assert.throws(() => nodes.sayOn({ validRound: 1, polka }, 'prevote', 4, 0), /lock: node 0/);
    assert.throws(() => nodes.sayOn({}, 'prevote', 4, 0), /lock: node 0/);
    nodes.sayOn({ validRound: 3, polka }, 'prevote', 4, 0);
  });

  test('nobody votes for a block whose state root is a lie', () => {
    const nodes = watch();
    const stateRoot = toHex(WRONG_ROOT);
    assert.throws(() => nodes.sayOn({ stateRoot }, 'prevote', 0, 0), /validity: node 0/);
  });

  test('what Byzantine nodes say is not judged', () => {
    const nodes = watch();
    nodes.say('precommit', 5, 'Z', CRIMINAL);
    nodes.decide(CRIMINAL, 9, 'Z');
  });

  test('in peace the open height ends within a few rounds more', () => {
    const nodes = watch();
    nodes.say('prevote', 30, undefined, 0);
    nodes.heal();
    nodes.say('prevote', 30 + 2 * NODES + ROUNDS_OF_SLOW_NETWORK, undefined, 0);
    assert.throws(
      () => nodes.say('prevote', 31 + 2 * NODES + ROUNDS_OF_SLOW_NETWORK, undefined, 0),
      /patience: height 1/,
    );
  });
});

test('where one validator has a third of the stake, all others have exactly two thirds', () => {
  for (const nodes of [2, 4, 7]) {
    const [first = 0n, ...others] = Array.from({ length: nodes }, (_, node) =>
      stakeOf('thirds', node, nodes),
    );
    assert.equal(
      others.reduce((sum, stake) => sum + stake, 0n),
      2n * first,
    );
  }
});
