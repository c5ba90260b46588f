import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { simulatedChain } from '../../sim/consensus/chain.js';
import type { Seen } from '../../sim/consensus/observations.js';
import { patience, votingRules } from '../../sim/consensus/rules.js';
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
    decide: (node: number, round: number, id: string): void => {
      const rest = { stateRoot: '', tombstoned: [], transactions: [], events: [], line: '' };
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

  test('what Byzantine nodes say is not judged', () => {
    const nodes = watch();
    nodes.say('precommit', 5, 'Z', CRIMINAL);
    nodes.decide(CRIMINAL, 9, 'Z');
  });

  test('in peace the open height ends within a few rounds more', () => {
    const nodes = watch();
    nodes.say('prevote', 30, undefined, 0);
    nodes.heal();
    nodes.say('prevote', 30 + 2 * NODES, undefined, 0);
    assert.throws(() => nodes.say('prevote', 31 + 2 * NODES, undefined, 0), /patience: height 1/);
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
