import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasEnded, OPEN_PHASES, type Attempt } from '../../../consensus/verification/attempt.js';
import type { AuditEvent } from '../../../consensus/verification/step.js';
import * as audit from '../../../protocol/types/audit.js';
import {
  accountName,
  addressOf,
  assertConserved,
  AuditWorld,
  balanceOf,
  runPhase,
  runToEnd,
  validatorBalance,
  voicesNow,
  type Behaviour,
  type WorldOptions,
} from '../../support/audit-world.js';
import { createPrng, type Prng } from '../../support/prng.js';

const BEHAVIOURS: readonly Behaviour[] = [
  ...(['honest', 'honest', 'honest', 'confirm', 'lie', 'absent', 'silent'] as const),
  ...(['unavailable', 'cannotJudge', 'undelivered', 'bribed'] as const),
];

/** Any audit: kinds, sizes, powers and behaviours at random. */
function randomOptions(prng: Prng, seed: number): WorldOptions {
  const kind = prng.pick(['batch', 'chain'] as const);
  const segments = 1 + prng.below(24);
  const count = 1 + prng.below(9);
  return {
    seed,
    terms: {
      ...{ kind, segments, sampled: 1 + prng.below(Math.min(4, segments)), seats: 1 + prng.below(5) },
      ...{ full: prng.chance(1, 4), priceWei: prng.bigint(64), auditFeeWei: prng.bigint(62) },
    },
    valueWei: prng.bigint(66),
    powers: Array.from({ length: count }, () => 1 + prng.below(1_000)),
    behaviours: Array.from({ length: count }, () => prng.pick(BEHAVIOURS)),
    provider: {
      fakes: new Set(
        prng.chance(1, 2) ? [] : Array.from({ length: 1 + prng.below(4) }, () => prng.below(segments)),
      ),
      commits: prng.chance(15, 16),
      unseals: prng.chance(15, 16),
      publishes: prng.chance(1, 2),
      delivers: prng.chance(3, 4),
      garbageOutput: kind === 'batch' && !prng.chance(9, 10) && segments > 8,
      servesOnly: prng.chance(3, 4)
        ? undefined
        : prng.pick([[], ['confirm'], ['confirm', 'honest']] as const),
    },
  };
}

/** Rounds are counted, and sealing that goes on after its publication; between two counts phases follow each other. */
function rankOf({ round, phase, publication, offered }: Attempt): number {
  const reopened = offered.includes('sealing') && phase !== 'PUBLISHING' ? 1 : 0;
  const beforeUnsealing = phase === 'PUBLISHING' && publication?.subject === 'sealing';
  const place = (OPEN_PHASES as readonly string[]).indexOf(beforeUnsealing ? 'SEALING' : phase);
  return 100 * (round + (offered.length > 1 ? 1 : reopened)) + 2 * place + (beforeUnsealing ? 1 : 0);
}

test('every audit ends, in whatever company; money is conserved to the wei; phases never go back', () => {
  const prng = createPrng(21);
  const endings = new Set<string>();
  for (let seed = 0; seed < 1_000; seed++) {
    const options = randomOptions(prng, seed);
    // In a full audit an output that is not that of the leaves cannot be unsealed at all.
    const world = new AuditWorld(options);
    const fits = options.terms?.full !== true && world.terms.segments > world.terms.sampled;
    const run = world.provider.garbageOutput && !fits ? new AuditWorld({ ...options, provider: {} }) : world;
    let rank = -1;
    for (let step = 0; !hasEnded(run.attempt); step++) {
      assert.ok(step < 40, `seed ${seed} does not end`);
      runPhase(run);
      const next = rankOf(run.attempt);
      if (!hasEnded(run.attempt))
        assert.ok(next > rank, `seed ${seed}: ${run.attempt.phase} after a later one`);
      rank = next;
    }
    assertConserved(run);
    assertNobodyEarnsByFault(run);
    endings.add(run.attempt.ending ?? '');
  }
  for (const wanted of [
    'CONFIRMED',
    'UPHELD',
    'FRAUD',
    'WITHHELD',
    'NOT_UNSEALED',
    'NO_MAJORITY',
    'OUTPUT_MISMATCH',
  ]) {
    assert.ok(endings.has(wanted), `${wanted} came up`);
  }
});

/** What a marked validator pays is what its marks cost; nobody pays unmarked. */
function assertNobodyEarnsByFault({ payments, marks, attempt }: AuditWorld): void {
  const guilty = new Set(marks.map(({ validator }) => accountName({ stakeOf: validator })));
  for (const { from } of payments) {
    if (typeof from !== 'string') assert.ok(guilty.has(accountName(from)), 'who pays is marked');
  }
  if (attempt.phase === 'INCONCLUSIVE')
    assert.ok(payments.every(({ from, to }) => from === 'bond' && to === 'provider'));
}

test('an honest provider is never slashed while less than a third is against it, and paid unless too many are away', () => {
  const prng = createPrng(22);
  for (let seed = 0; seed < 600; seed++) {
    const options = randomOptions(prng, seed);
    const count = 4 + prng.below(6);
    const faulty = Math.floor((count - 1) / 3);
    const world = new AuditWorld({
      ...options,
      powers: Array<number>(count).fill(1_000),
      behaviours: Array.from({ length: count }, (_, i): Behaviour =>
        i < faulty ? prng.pick(BEHAVIOURS) : 'honest',
      ),
      provider: {},
    });
    runToEnd(world);
    assert.ok(balanceOf(world.payments, 'provider') >= world.terms.bondWei, `seed ${seed} slashed`);
    assert.equal(world.attempt.phase, 'ACCEPTED', `seed ${seed}: ${world.attempt.ending}`);
    for (let i = faulty; i < count; i++) assert.ok(validatorBalance(world.payments, addressOf(1, i)) >= 0n);
  }
});

/** Anything at all, well-formed or not. */
function randomEvent(world: AuditWorld, prng: Prng): AuditEvent {
  const voices = [...voicesNow(world.attempt), ...world.attempt.seats];
  const voice = voices.length > 0 ? prng.pick(voices) : undefined;
  const kind = prng.pick([
    'commit',
    'release',
    'entry',
    'entry',
    'entry',
    'entry',
    'unseal',
    'published',
    'proof',
    'tick',
  ] as const);
  switch (kind) {
    case 'commit':
      return prng.chance(1, 2)
        ? world.commitEvent()
        : { kind, root: prng.bytes(32), keyCommitment: prng.bytes(32) };
    case 'entry':
      if (voice === undefined) return { kind: 'tick' };
      if (prng.chance(1, 3) && voice.segments.length > 0) return world.seal(voice);
      if (prng.chance(1, 2) && voice.segments.length > 0) return world.reveal(voice, prng.below(2));
      return world.entry(voice, prng.below(8), {
        digest: prng.bytes(32),
        auditRound: prng.below(3),
        segment: prng.below(70),
      });
    case 'unseal':
      return {
        kind,
        ...world.unsealing(),
        ...(prng.chance(1, 3) ? { answers: [prng.bytes(prng.below(40))] } : {}),
      };
    case 'proof':
      return { kind, stateIds: [prng.bytes(prng.below(40))], finder: prng.bytes(20) };
    default:
      return { kind };
  }
}

test('whatever comes in whatever order, and then nothing more: time alone ends it, and all money is paid out', () => {
  const prng = createPrng(23);
  for (let seed = 0; seed < 600; seed++) {
    const world = new AuditWorld({ ...randomOptions(prng, seed), provider: {} });
    for (let i = prng.below(60); i > 0 && !hasEnded(world.attempt); i--) {
      if (prng.chance(1, 8)) world.expire();
      world.try(randomEvent(world, prng));
    }
    for (let step = 0; !hasEnded(world.attempt); step++) {
      assert.ok(step < 40, `seed ${seed} is stuck in ${world.attempt.phase}`);
      world.expire();
      world.do({ kind: 'tick' });
    }
    assertConserved(world);
  }
});

test('everybody leaves: what each state ends with', () => {
  const endings = [
    'CLAIMED',
    'COMMITTED',
    'SEALING',
    'UNSEALING',
    'REVEALING',
    'ESCALATION_SEALING',
    'ESCALATION_REVEALING',
    'PUBLISHING',
  ].map((phase) => {
    const undelivered = phase === 'PUBLISHING' ? { provider: { delivers: false } } : {};
    const world = new AuditWorld({
      behaviours: phase.startsWith('ESCALATION') ? ['lie'] : [],
      ...undelivered,
    });
    while (world.attempt.phase !== phase) runPhase(world);
    while (!hasEnded(world.attempt)) {
      world.expire();
      world.do({ kind: 'tick' });
    }
    assertConserved(world);
    return `${phase} ${world.attempt.ending}`;
  });
  assert.deepEqual(endings, [
    'CLAIMED COMMIT_DEADLINE',
    'COMMITTED NOT_UNSEALED',
    'SEALING NOT_UNSEALED',
    'UNSEALING NOT_UNSEALED',
    'REVEALING NO_MAJORITY',
    'ESCALATION_SEALING NO_MAJORITY',
    'ESCALATION_REVEALING NO_MAJORITY',
    'PUBLISHING DELIVERY_UNDECIDED',
  ]);
});

test('neither fast blocks nor a halt ends a window', () => {
  const world = new AuditWorld();
  while (world.attempt.phase !== 'SEALING') runPhase(world);
  const { deadline } = world.attempt;
  world.now = { timeMs: deadline.timeMs + 3_600_000, height: deadline.height - 1 };
  assert.equal(world.refusalOf({ kind: 'tick' }), 'NOT_DUE', 'an hour without blocks');
  const voice = world.attempt.seats[0] ?? assert.fail();
  assert.equal(world.refusalOf(world.entry(voice, audit.AUDIT_SEAL)), undefined, 'and a seal is still heard');
  world.now = { timeMs: deadline.timeMs - 1, height: deadline.height + 1_000 };
  assert.equal(world.refusalOf({ kind: 'tick' }), 'NOT_DUE', 'a thousand blocks in no time');
});

test('no verifier is left when all are to be asked: it ends at once, and nobody loses anything', () => {
  const world = new AuditWorld({ behaviours: ['lie'] });
  while (world.attempt.phase !== 'REVEALING') runPhase(world);
  const empty = { ...world.surroundings(), verifiers: () => [] };
  world.surroundings = () => empty;
  world.attempt.seats.forEach((seat) => world.do(world.reveal(seat)));
  assert.equal(world.attempt.ending, 'NO_MAJORITY');
  assertConserved(world);
});
