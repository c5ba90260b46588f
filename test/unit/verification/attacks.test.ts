import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Voice } from '../../../consensus/verification/attempt.js';
import { largestPenaltyWei } from '../../../consensus/verification/bond.js';
import { jobTransition } from '../../../consensus/verification/job-life.js';
import { checkWei } from '../../../consensus/verification/terms.js';
import { sealOf } from '../../../protocol/audit/seal.js';
import { treeRoot } from '../../../protocol/audit/tree.js';
import * as audit from '../../../protocol/types/audit.js';
import {
  addressOf,
  assertConserved,
  AuditWorld,
  balanceOf,
  CLIENT,
  PRICE_WEI,
  PROVIDER,
  runPhase,
  runToEnd,
  validatorBalance,
  voicesNow,
  type Behaviour,
  type ProviderBehaviour,
  type WorldOptions,
} from '../../support/audit-world.js';

/* Each test is an attack; its name says who loses what. Four verifiers of equal power, unless it says otherwise. */

const ALL = new Set(Array.from({ length: 64 }, (_, i) => i));

function ran(options: WorldOptions): AuditWorld {
  const world = new AuditWorld(options);
  runToEnd(world);
  assertConserved(world);
  return world;
}

function at(phase: string, options: WorldOptions = {}): AuditWorld {
  const world = new AuditWorld(options);
  while (world.attempt.phase !== phase) runPhase(world);
  return world;
}

const voice = (world: AuditWorld, place = 0): Voice => voicesNow(world.attempt)[place] ?? assert.fail();
const worth = (world: AuditWorld, segments: number): bigint => checkWei(world.terms) * BigInt(segments);
const gainOf = (world: AuditWorld, index: number): bigint =>
  validatorBalance(world.payments, addressOf(1, index));
/** Of the provider, against not having claimed. */
const providerGain = (world: AuditWorld): bigint =>
  balanceOf(world.payments, 'provider') - world.terms.bondWei;
/** Of the client, beyond having its escrow back. */
const clientExtra = (world: AuditWorld): bigint => balanceOf(world.payments, 'client');

function assertSlashed(world: AuditWorld, reason: string): void {
  assert.deepEqual([world.attempt.phase, world.attempt.ending], ['REJECTED', reason]);
  assert.equal(providerGain(world), -world.terms.bondWei, 'the provider loses its bond');
  assert.equal(
    clientExtra(world),
    PRICE_WEI,
    'the client gets a price for its time, and its escrow stays with the job',
  );
}

function assertUpheld(world: AuditWorld): void {
  assert.equal(world.attempt.ending, 'UPHELD');
  assert.equal(providerGain(world), PRICE_WEI, 'the provider is paid');
}

test('copied seals: a validator that copies another’s seal cannot open it, and pays like one that is silent', () => {
  const world = at('SEALING');
  const [first, second, ...others] = voicesNow(world.attempt) as [Voice, Voice, ...Voice[]];
  const original = world.seal(first) as Extract<ReturnType<AuditWorld['seal']>, { kind: 'entry' }>;
  world.do(original);
  world.do(world.entry(second, audit.AUDIT_SEAL, { digest: original.entry.digest }));
  others.forEach((one) => world.do(world.seal(one)));
  runPhase(world);
  const opened = world.reveal(first) as typeof original;
  world.do(opened);
  // It now knows everything, and copies that, too.
  assert.equal(world.refusalOf({ ...opened, validator: second.validator }), 'SEAL_MISMATCH');
  others.forEach((one) => world.do(world.reveal(one)));
  world.expire();
  world.do({ kind: 'tick' });
  runToEnd(world);
  assertUpheld(world);
  assert.ok(world.marks.some(({ validator, mark }) => validator === second.validator && mark === 'SILENT'));
  assert.ok(validatorBalance(world.payments, second.validator) < 0n);
});

test('late votes: a seal after sealing has ended is not heard and not paid', () => {
  const world = at('UNSEALING', { behaviours: ['absent'] });
  const late = world.attempt.seats.find(({ status }) => status === 'absent') ?? assert.fail();
  assert.equal(world.refusalOf(world.seal(late)), 'WRONG_PHASE', 'while the provider unseals');
  runPhase(world);
  assert.equal(world.refusalOf(world.seal(late)), 'WRONG_PHASE', 'when the answers are public');
  assert.equal(world.refusalOf(world.reveal(late)), 'TOO_LATE');
  runToEnd(world);
  assert.equal(gainOf(world, 0), 0n);
});

test('early reveals: a reveal before the unsealing is not heard, so nobody can learn from it', () => {
  const world = at('SEALING');
  world.do(world.seal(voice(world)));
  assert.equal(world.refusalOf(world.reveal(voice(world))), 'WRONG_PHASE');
});

test('double credit: an entry that is repeated, in extensions and in transactions, counts once', () => {
  const world = at('SEALING');
  const seal = world.seal(voice(world));
  world.do(seal);
  for (let i = 0; i < 5; i++) assert.equal(world.refusalOf(seal), 'ALREADY_SAID');
  runToEnd(world);
  assertConserved(world);
  assert.equal(gainOf(world, 0), worth(world, 4));
});

test('missing claw-back: nothing is paid before the end, and after it nothing at all', () => {
  const world = at('REVEALING', { provider: { fakes: ALL } });
  assert.equal(world.payments.length, 0);
  runToEnd(world);
  const paid = world.payments.length;
  for (const kind of ['tick', 'release', 'published'] as const)
    assert.equal(world.refusalOf({ kind }), 'ENDED');
  assert.equal(world.payments.length, paid);
  assert.equal(balanceOf(world.payments, 'escrow'), 0n);
});

test('empty proofs: what opens nothing is refused, and not unsealing costs the bond', () => {
  const world = at('UNSEALING');
  const unsealing = world.unsealing();
  const refused = (change: Partial<typeof unsealing>): string | undefined =>
    world.refusalOf({ kind: 'unseal', ...unsealing, ...change });
  assert.equal(refused({ answers: [], branches: [] }), 'ANSWERS_MISMATCH');
  assert.equal(refused({ branches: unsealing.branches.map(() => []) }), 'ANSWERS_MISMATCH');
  assert.equal(refused({ answers: unsealing.answers.map(() => new Uint8Array(0)) }), 'ANSWERS_MISMATCH');
  assert.equal(refused({ answers: [...unsealing.answers].reverse() }), 'ANSWERS_MISMATCH');
  assert.equal(refused({ jobKey: new Uint8Array(0) }), 'KEY_MISMATCH');
  world.expire();
  world.do({ kind: 'tick' });
  assertSlashed(world, 'NOT_UNSEALED');
});

test('error passes: verifiers that fail do not make a job pass; with all of them failing nobody loses anything', () => {
  const world = ran({ behaviours: Array<Behaviour>(4).fill('cannotJudge'), provider: { fakes: ALL } });
  assert.deepEqual([world.attempt.ending, providerGain(world), clientExtra(world)], ['NO_MAJORITY', 0n, 0n]);
});

test('self-check through a second address: parties and their operators have no seat, however they are named', () => {
  const parties = [PROVIDER, CLIENT, addressOf(2, 1)];
  const world = at('SEALING', { terms: { parties } });
  assert.deepEqual(world.attempt.seats.map(({ validator }) => validator[19]).sort(), [0, 2, 3]);
});

test('no-show farming: a verifier that says nothing earns nothing; what it did not earn pays who judged in its place, the rest is the client’s', () => {
  const one = ran({ behaviours: ['absent'] });
  assert.equal(one.attempt.ending, 'CONFIRMED');
  assert.equal(gainOf(one, 0), 0n);
  assert.equal(clientExtra(one), one.terms.auditFeeWei - worth(one, 12));
  assert.ok(one.marks.some(({ mark }) => mark === 'ABSENT'));
});

test('claim-and-abandon: a claim without a commit costs its price, and the client, who could provoke it, gets none of it', () => {
  const world = ran({ provider: { commits: false } });
  assert.deepEqual(
    [world.attempt.phase, providerGain(world), clientExtra(world)],
    ['ABANDONED', -PRICE_WEI, 0n],
  );
  assert.equal(balanceOf(world.payments, 'verifierPool'), PRICE_WEI);
});

test('poison or unfetchable input: reported at once it costs the provider nothing, and three such reports refund the client', () => {
  const world = new AuditWorld();
  world.do({ kind: 'release' });
  assert.equal(providerGain(world), 0n);
  const job = { escrowWei: 9n, attempts: 3, releases: 2, deadline: { timeMs: 1e9, height: 1 } };
  const outcome = jobTransition(
    { phase: 'ASSIGNED', ...job },
    { kind: 'ended', reason: 'INPUT_UNAVAILABLE' },
    { now: world.now, params: world.params },
  );
  assert.ok(!('refused' in outcome));
  assert.deepEqual([outcome.job.phase, outcome.payments[0]?.wei], ['REFUNDED', 9n]);
});

test('expired, never attempted: the due queue alone refunds the client', () => {
  const job = {
    phase: 'OPEN',
    escrowWei: 9n,
    attempts: 0,
    releases: 0,
    deadline: { timeMs: 5, height: 5 },
  } as const;
  const { params } = new AuditWorld();
  const outcome = jobTransition(job, { kind: 'tick' }, { now: { timeMs: 5, height: 5 }, params });
  assert.ok(!('refused' in outcome) && outcome.reason === 'NEVER_CLAIMED' && outcome.payments[0]?.wei === 9n);
});

test('lone dissenter, wrong: it loses its pay and as much again, which goes to those it has made work', () => {
  const world = ran({ behaviours: ['lie'] });
  assertUpheld(world);
  const segments = world.attempt.seats.find(({ validator }) => validator[19] === 0)?.segments.length ?? 0;
  // In its seat, and once more when all were asked about the one segment it named.
  assert.equal(gainOf(world, 0), -worth(world, segments) - worth(world, 1));
  assert.ok(gainOf(world, 1) > worth(world, 4));
});

test('lone dissenter, right: three accomplices of one colluding third cannot outvote it in a seat; they pay, it earns', () => {
  // Ten verifiers, three accomplices: some samples have one honest seat among two.
  const behaviours: readonly Behaviour[] = ['confirm', 'confirm', 'confirm'];
  let lone = 0;
  for (let seed = 0; seed < 40; seed++) {
    const terms = { seats: 3, segments: 8, sampled: 1 };
    const world = ran({
      seed,
      terms,
      powers: Array<number>(10).fill(1),
      behaviours,
      provider: { fakes: new Set(ALL) },
    });
    const honest = world.attempt.seats.filter(({ validator }) => (validator[19] ?? 0) >= 3);
    if (honest.length !== 1) continue;
    lone++;
    assertSlashed(world, 'FRAUD');
    const [finder] = honest;
    assert.ok(validatorBalance(world.payments, finder?.validator ?? assert.fail()) > worth(world, 2));
    assert.ok(
      [0, 1, 2].every((i) => gainOf(world, i) < 0n),
      'who confirmed it pays',
    );
  }
  assert.ok(lone > 0);
});

test('colluding seats up to a third: a bad segment passes only when every seat is theirs', () => {
  const powers = Array<number>(10).fill(1);
  const behaviours: readonly Behaviour[] = ['confirm', 'confirm', 'confirm'];
  let passed = 0;
  for (let seed = 0; seed < 150; seed++) {
    const terms = { seats: 2, segments: 8, sampled: 1 };
    const world = ran({ seed, terms, powers, behaviours, provider: { fakes: ALL } });
    const allTheirs = world.attempt.seats.every(({ validator }) => (validator[19] ?? 9) < 3);
    assert.equal(world.attempt.phase, allTheirs ? 'ACCEPTED' : 'REJECTED');
    if (allTheirs) passed++;
  }
  assert.ok(passed > 0 && passed < 30, `${passed} of 150, 1 in 15 expected`);
});

test('shielding dissent: a false dissent at a low segment does not hide a bad one above it', () => {
  const world = at('REVEALING', { behaviours: ['lie'], provider: { fakes: new Set([...ALL].slice(32)) } });
  for (const one of world.attempt.seats) world.do(world.reveal(one));
  assert.ok((world.attempt.escalation?.segments.length ?? 0) >= 2, 'both are judged');
  runToEnd(world);
  assertSlashed(world, 'FRAUD');
});

test('bribed dissenter: it need not reveal for its segments to be judged by all; it pays twice its pay, the provider its bond', () => {
  const world = ran({ behaviours: Array<Behaviour>(4).fill('bribed'), provider: { fakes: ALL } });
  assertSlashed(world, 'FRAUD');
  assert.ok(world.marks.filter(({ mark }) => mark === 'SILENT').length === 4);
  const silent = balanceOf(world.payments, ...[0, 1, 2, 3].map((i) => `stake 0x01${'00'.repeat(18)}0${i}`));
  assert.equal(silent, -2n * worth(world, 16));
});

test('flaky device: a verifier with one wrong answer loses less than ten checks, the provider nothing', () => {
  const world = ran({ behaviours: ['lie'] });
  assertUpheld(world);
  assert.ok(-gainOf(world, 0) <= worth(world, 10));
  assert.ok(
    -gainOf(world, 0) <= largestPenaltyWei(world.params.jobs, world.terms),
    'within what its stake was checked for',
  );
});

test('dispute spam: it costs its maker each time, all its validators together cannot earn by it, and every one is marked', () => {
  for (let seed = 0; seed < 20; seed++) {
    // A third of the verifiers belong to one owner; one disputes, the others judge well.
    const behaviours: readonly Behaviour[] = ['lie', 'honest', 'honest'];
    const spam = ran({ seed, powers: Array<number>(9).fill(1), behaviours });
    const calm = ran({ seed, powers: Array<number>(9).fill(1) });
    const mine = (world: AuditWorld): bigint => gainOf(world, 0) + gainOf(world, 1) + gainOf(world, 2);
    if (spam.attempt.seats.some(({ validator }) => validator[19] === 0)) {
      assert.ok(mine(spam) < mine(calm));
      assert.ok(spam.marks.some(({ mark }) => mark === 'DISSENT_LOST'));
    }
    assert.equal(providerGain(spam), PRICE_WEI);
  }
});

test('lone false not delivered: nobody loses anything', () => {
  const world = ran({ behaviours: ['undelivered'] });
  assert.equal(world.attempt.ending, 'CONFIRMED');
  assert.ok([0, 1, 2, 3].every((i) => gainOf(world, i) === worth(world, 4)));
});

test('withheld output: the provider loses its bond, unless it publishes in time', () => {
  assertSlashed(ran({ provider: { delivers: false, publishes: false } }), 'WITHHELD');
  const published = ran({ provider: { delivers: false } });
  assert.deepEqual([published.attempt.ending, providerGain(published)], ['CONFIRMED', PRICE_WEI]);
});

test('withheld pre-states: what withholding costs is what fraud costs', () => {
  assertSlashed(
    ran({ terms: { kind: 'chain' }, provider: { servesOnly: [], publishes: false } }),
    'WITHHELD',
  );
});

test('serving accomplices only: an honest seat that gets no data is as good as a dissenter', () => {
  const powers = Array<number>(10).fill(1);
  const behaviours: readonly Behaviour[] = ['confirm', 'confirm', 'confirm'];
  const provider: Partial<ProviderBehaviour> = { fakes: ALL, servesOnly: ['confirm'], publishes: false };
  for (let seed = 0; seed < 60; seed++) {
    const world = ran({ seed, terms: { seats: 3, segments: 8, sampled: 1 }, powers, behaviours, provider });
    const isOurs = world.attempt.seats.every(({ validator }) => (validator[19] ?? 9) < 3);
    if (!isOurs) assertSlashed(world, 'WITHHELD');
  }
});

test('false UNAVAILABLE: one of ten loses its pay and a quarter of it, the provider nothing', () => {
  const world = ran({ powers: Array<number>(10).fill(1), behaviours: ['unavailable'], seed: 3 });
  const seat =
    world.attempt.seats.find(({ validator }) => validator[19] === 0) ?? assert.fail('drawn with this seed');
  assertUpheld(world);
  assert.equal(gainOf(world, 0), -worth(world, seat.segments.length) / 4n);
});

test('majority CANNOT_JUDGE: two of three in a seat leave it to others; more than half of all end without a loss', () => {
  const some = ran({
    powers: Array<number>(10).fill(1),
    behaviours: Array<Behaviour>(4).fill('cannotJudge'),
  });
  assert.deepEqual([some.attempt.phase, providerGain(some)], ['ACCEPTED', PRICE_WEI]);
  assert.ok(
    [0, 1, 2, 3].every((i) => gainOf(some, i) === 0n),
    'it neither costs nor earns',
  );
  const most = ran({ behaviours: Array<Behaviour>(3).fill('cannotJudge'), provider: { fakes: ALL } });
  assert.equal(most.attempt.ending, 'NO_MAJORITY', 'a quarter of all does not decide');
});

test('models that most verifiers cannot run: the client is refunded, nobody is slashed', () => {
  const world = ran({ behaviours: Array<Behaviour>(3).fill('cannotJudge') });
  assert.deepEqual([world.attempt.phase, providerGain(world)], ['INCONCLUSIVE', 0n]);
});

test('garbage as output with correct leaves: one list of hashes proves it; the bond is lost, the finder paid', () => {
  const world = ran({ provider: { garbageOutput: true } });
  assertSlashed(world, 'OUTPUT_MISMATCH');
  assert.ok(balanceOf(world.payments, `finder 0x01${'00'.repeat(19)}`) > 0n);
});

test('censored reveals: all of them, and everybody is asked once more; the honest provider is paid, silent seats pay', () => {
  const world = at('REVEALING');
  world.expire();
  world.do({ kind: 'tick' });
  runToEnd(world);
  assertUpheld(world);
  assertConserved(world);
});

test('stale replay: an entry of another attempt, job or round is not heard', () => {
  const world = at('SEALING');
  const one = voice(world);
  const seal = world.seal(one) as Extract<ReturnType<AuditWorld['seal']>, { kind: 'entry' }>;
  const changed = (rest: Partial<audit.AuditEntry>): string | undefined =>
    world.refusalOf({ ...seal, entry: { ...seal.entry, ...rest } });
  assert.equal(changed({ attempt: 1 }), 'WRONG_SUBJECT');
  assert.equal(changed({ subject: new Uint8Array(32) }), 'WRONG_SUBJECT');
  assert.equal(changed({ auditRound: 1 }), 'NOT_ASKED');
  const sealed = {
    auditRound: 0,
    validator: one.validator,
    answerRoot: treeRoot(world.answersOf(one)),
    nonce: world.nonceOf(one),
  };
  assert.notDeepEqual(sealOf(world.terms, sealed), sealOf({ ...world.terms, attempt: 1 }, sealed));
});

test('stale commitment: a later provider cannot commit to the leaves of an earlier attempt', () => {
  const first = new AuditWorld({ terms: { kind: 'chain' } });
  const second = new AuditWorld({ terms: { kind: 'chain', attempt: 1 } });
  assert.equal(second.refusalOf(first.commitEvent()), 'INPUT_MISMATCH');
  assert.notDeepEqual(first.commitEvent(), second.commitEvent());
});

test('predictable seed: neither segments nor seats are drawn before the beacon that comes after the commit', () => {
  const world = at('COMMITTED');
  const { seedDelayBlocks } = world.params.jobs;
  assert.equal(world.attempt.deadline.height, world.now.height + seedDelayBlocks);
  world.now = { ...world.now, height: world.now.height + seedDelayBlocks - 1 };
  assert.equal(world.refusalOf({ kind: 'tick' }), 'NOT_DUE');
});

test('unbond before the slash: what a seat could lose is bounded, and known before it is drawn', () => {
  for (const behaviour of ['lie', 'silent', 'unavailable', 'confirm'] as const) {
    for (const full of [false, true]) {
      const behaviours: readonly Behaviour[] = [behaviour];
      const world = ran({ behaviours, terms: { full, segments: full ? 8 : 64 }, provider: { fakes: ALL } });
      assert.ok(-gainOf(world, 0) <= largestPenaltyWei(world.params.jobs, world.terms));
    }
  }
});

test('garbage in a transaction: any lengths are refused, nothing throws', () => {
  const world = at('UNSEALING');
  const commit = new AuditWorld();
  const odd = [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)];
  for (const bytes of odd) {
    assert.equal(commit.refusalOf({ kind: 'commit', root: bytes, keyCommitment: bytes }), 'MALFORMED');
    const answers = world.attempt.segments.map(() => bytes);
    assert.ok(world.refusalOf({ kind: 'unseal', ...world.unsealing(), answers }) !== undefined);
    assert.ok(world.refusalOf({ kind: 'unseal', ...world.unsealing(), outputRoot: bytes }) !== undefined);
    const branches = world.attempt.segments.map(() => [bytes]);
    assert.ok(world.refusalOf({ kind: 'unseal', ...world.unsealing(), branches }) !== undefined);
  }
});
