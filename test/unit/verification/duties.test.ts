import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dutiesOf, type Duty } from '../../../consensus/verification/duties.js';
import {
  plainEntry,
  revealEntry,
  sealEntry,
  type Judgement,
} from '../../../consensus/verification/statements.js';
import { hasEnded } from '../../../consensus/verification/attempt.js';
import { AUDIT_AVAILABLE, type AuditEntry } from '../../../protocol/types/audit.js';
import { AuditWorld, runPhase, type Behaviour, type WorldOptions } from '../../support/audit-world.js';

/** Lets every verifier say what it owes, made by the functions under test, until the attempt has ended. */
function runByDuties(world: AuditWorld): Duty['kind'][] {
  const said: Duty['kind'][] = [];
  for (let step = 0; !hasEnded(world.attempt); step++) {
    assert.ok(step < 60, 'an attempt ends');
    const before = world.attempt;
    for (const { id } of world.verifiers) {
      for (const duty of dutiesOf(world.attempt, id)) {
        said.push(duty.kind);
        world.do({ kind: 'entry', validator: id, entry: statementOf(world, id, duty) });
        if (hasEnded(world.attempt)) return said;
      }
    }
    if (world.attempt === before) goOn(world);
  }
  return said;
}

/** Everybody has spoken: others act, or time does. */
function goOn(world: AuditWorld): void {
  if (world.attempt.phase !== 'PUBLISHING') {
    runPhase(world);
    return;
  }
  world.expire();
  world.do({ kind: 'tick' });
}

function statementOf(world: AuditWorld, validator: Uint8Array, duty: Duty): AuditEntry {
  const { attempt, terms } = world;
  const { round } = duty;
  if (duty.kind === 'availability') return plainEntry(terms, AUDIT_AVAILABLE, round);
  const voice = { validator, operator: validator, power: 1, round, segments: duty.segments } as const;
  const judgement: Judgement = {
    ...{ validator, round, segments: duty.segments },
    answers: world.answersOf({ ...voice, status: 'waiting' }),
    nonce: world.nonceOf({ ...voice, status: 'waiting' }),
  };
  if (duty.kind === 'seal') return sealEntry(terms, judgement);
  return revealEntry(attempt, judgement, world.behaviourOf(validator) !== 'undelivered');
}

describe('what a validator owes, said in the entries made for it, ends an attempt', () => {
  const kinds: readonly [string, WorldOptions, Duty['kind'][], string][] = [
    ['a good result', {}, ['seal', 'reveal'], 'CONFIRMED'],
    ['a whole chain', { terms: { kind: 'chain', segments: 5 } }, ['seal', 'reveal'], 'CONFIRMED'],
    [
      'a faked one, by all verifiers too',
      { provider: { fakes: new Set(Array.from({ length: 64 }, (_, i) => i)) } },
      ['seal', 'reveal'],
      'FRAUD',
    ],
    [
      'one that is not handed out',
      { behaviours: Array<Behaviour>(4).fill('undelivered'), provider: { publishes: false } },
      ['seal', 'reveal', 'availability'],
      'CONFIRMED',
    ],
  ];
  for (const [name, options, expected, ending] of kinds) {
    test(name, () => {
      const world = new AuditWorld(options);
      const said = runByDuties(world);
      assert.deepEqual([...new Set(said)], expected);
      assert.equal(world.attempt.ending, ending);
    });
  }
});

test('who is not asked, or has spoken, owes nothing', () => {
  const world = new AuditWorld({ powers: [1, 1, 1, 1, 1, 1, 1], terms: { seats: 2, sampled: 1 } });
  const [first] = world.verifiers;
  assert.ok(first);
  assert.deepEqual(dutiesOf(world.attempt, first.id), []);
  while (world.attempt.phase !== 'SEALING') runPhase(world);
  const asked = world.verifiers.filter(({ id }) => dutiesOf(world.attempt, id).length > 0);
  assert.equal(asked.length, 2);
  const [seat] = world.attempt.seats;
  assert.ok(seat);
  assert.deepEqual(dutiesOf(world.attempt, seat.validator), [
    { kind: 'seal', round: 0, deadline: world.attempt.deadline, segments: seat.segments },
  ]);
  world.do(world.seal(seat));
  assert.deepEqual(dutiesOf(world.attempt, seat.validator), []);
});
