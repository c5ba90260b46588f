import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AUDIT_SEAL } from '../../../protocol/types/audit.js';
import { sealEntry } from '../../../consensus/verification/statements.js';
import { hasJobEnded } from '../../../state/jobs/job.js';
import { readJudge } from '../../../state/jobs/judges.js';
import { dutiesOf } from '../../../state/jobs/reading.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { transition } from '../../../state/transition/transition.js';
import { createPrng } from '../../support/prng.js';
import { nextInput } from '../../support/ledger.js';
import { byJobs, CLIENT, hash, JobChain, PRICE_WEI, type JudgeBehaviour } from '../../support/jobs.js';

async function sealing(options: ConstructorParameters<typeof JobChain>[0] = {}) {
  const chain = await new JobChain(options).open();
  const id = await chain.post(1);
  await chain.assign(id);
  while (chain.phase(id) !== 'SEALING') await chain.step(id);
  return { chain, id };
}

describe('attacks on the audit, through extensions and transactions', () => {
  test('a copied seal is of no use to who copies it', async () => {
    const { chain, id } = await sealing();
    const [first, thief] = nextValidators(chain.ledger);
    assert.ok(first && thief);
    const [duty] = dutiesOf(chain.ledger, first.id);
    assert.ok(duty?.duty.kind === 'seal');
    const copied = sealEntry(duty.attempt.terms, chain.judgement(first.id, duty.attempt, duty.duty));
    for (const { id: validator } of nextValidators(chain.ledger)) chain.say(validator, copied);
    await chain.next();
    assert.equal(chain.phase(id), 'UNSEALING');
    await chain.runToEnd(id);
    const attempt = chain.attempt(id);
    assert.equal(attempt.seats.filter(({ status }) => status === 'sealed').length, 3, 'copies open nothing');
    assert.equal(attempt.ending, 'UPHELD');
  });

  test('who has spoken, is not asked, or says nonsense changes nothing, and no block is refused for it', async () => {
    const { chain, id } = await sealing();
    const [first] = nextValidators(chain.ledger);
    assert.ok(first);
    const [duty] = dutiesOf(chain.ledger, first.id);
    assert.ok(duty);
    const entry = chain.entryFor(first.id, duty);
    assert.ok(entry);
    chain.say(first.id, entry);
    await chain.next();
    const before = chain.ledger.dump();
    const roundTwo = { ...entry, auditRound: 7 };
    chain.say(first.id, { ...entry, digest: hash('second', 1) });
    chain.say(CLIENT, entry);
    chain.say(first.id, { ...entry, subject: hash('no job', 1) }, roundTwo, { ...entry, attempt: 3 });
    chain.sayRaw(first.id, new Uint8Array(2_000).fill(0xab));
    await chain.next();
    const voice = chain.attempt(id).seats.find(({ validator }) => validator[0] === first.id[0]);
    assert.deepEqual(voice?.seal, entry.digest);
    assert.equal(entry.kind, AUDIT_SEAL);
    const attempts = Object.keys(before).filter((key) => key.startsWith('0x6174742f'));
    for (const key of attempts) assert.equal(chain.ledger.dump()[key], before[key]);
  });

  test('silence after a seal costs more than the pay, to the wei, and is marked', async () => {
    const chain = await new JobChain({ behaviours: ['silent'] }).open();
    const id = await chain.post(1);
    await chain.assign(id);
    const [silent] = nextValidators(chain.ledger);
    assert.ok(silent);
    const before = chain.validator(silent.id).pool.tokensWei;
    await chain.runToEnd(id);
    assert.ok(chain.validator(silent.id).pool.tokensWei < before);
    assert.equal(readJudge(chain.ledger, silent.id).silent > 0, true);
  });

  test('too many marks in an epoch, and a validator is given no seats before it has attested anew', async () => {
    const chain = await new JobChain({ behaviours: ['lie'], validators: 5, jobs: { maxMarks: 1 } }).open();
    const [liar] = nextValidators(chain.ledger);
    assert.ok(liar);
    await runJob(chain, 1);
    assert.ok(readJudge(chain.ledger, liar.id).suspendedHeight > 0);
    const id = await runJob(chain, 2);
    assert.ok(!chain.attempt(id).seats.some(({ validator }) => validator[0] === liar.id[0]));
    assert.equal(chain.attempt(id).ending, 'CONFIRMED');
  });

  test('who owes as much as it can is not drawn', async () => {
    const chain = await new JobChain({ jobs: { openDuties: 2 } }).open();
    const [one, two] = [await chain.post(1), await chain.post(2)];
    const [first, second] = chain.providers;
    await chain.assign(one, first);
    await chain.assign(two, second);
    const calls = [chain.commitCall(one), chain.commitCall(two)];
    await chain.next(...calls);
    for (let i = 0; i < 3; i++) await chain.next();
    const [judged, unlucky] = chain.phase(one) === 'SEALING' ? [one, two] : [two, one];
    assert.equal(chain.phase(judged), 'SEALING');
    assert.equal(chain.attempt(unlucky).ending, 'NO_VERIFIERS');
    for (const { id } of nextValidators(chain.ledger)) assert.equal(readJudge(chain.ledger, id).owed, 2);
  });

  test('the same block gives the same changes', async () => {
    const { chain } = await sealing();
    chain.speak();
    const input = nextInput(chain.ledger, { proposer: nextValidators(chain.ledger)[0]?.id ?? CLIENT });
    const [one, two] = [transition(chain.ledger, input), transition(chain.ledger, input)];
    assert.deepEqual(one.changes, two.changes);
    assert.deepEqual(one.receiptsRoot, two.receiptsRoot);
  });
});

async function runJob(chain: JobChain, key: number): Promise<Uint8Array> {
  const id = await chain.post(key);
  await chain.assign(id, chain.providers[key]);
  await chain.runToEnd(id);
  return id;
}

const BEHAVIOURS: readonly JudgeBehaviour[] = [
  ...(['honest', 'honest', 'honest', 'confirm', 'lie', 'absent', 'silent'] as const),
  ...(['unavailable', 'cannotJudge', 'undelivered'] as const),
];

describe('random histories', () => {
  // After every block the whole state is audited: supply, escrows, bonds, duties, references.
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`seed ${seed}: nothing is lost, and nothing is left behind`, async () => {
      const random = createPrng(seed);
      const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] ?? assert.fail();
      const behaviours = Array.from({ length: 5 }, () => pick(BEHAVIOURS));
      const provider = {
        fakes: new Set(random.below(3) === 0 ? [0, 1, 2, 3, 4, 5, 6, 7] : []),
        commits: random.below(5) > 0,
        unseals: random.below(5) > 0,
      };
      const isChain = random.below(2) === 0;
      const chain = await new JobChain({ validators: 5, behaviours, provider, isChain }).open();
      const ids = [await chain.post(1), await chain.post(2), await chain.post(3)];
      for (let blocks = 0; blocks < 60 && ids.some((id) => chain.phase(id) !== undefined); blocks++) {
        chain.speak();
        const calls = ids.flatMap((id) => {
          const phase = chain.phase(id);
          if (phase === undefined) return [];
          if (phase !== 'OPEN') return random.below(4) === 0 ? [] : (chain.providerCall(id) ?? []);
          const isOpen = !hasJobEnded(chain.job(id)) && random.below(3) > 0;
          if (!isOpen) return [];
          const from = pick([...chain.providers, CLIENT]);
          const claim = byJobs(from, 'claim', id, PRICE_WEI / BigInt(1 + random.below(3)));
          return [{ ...claim, gasLimit: 3_000_000n }];
        });
        await chain.tryAll(random.below(4) === 0 ? 40_000 : 1_000, calls);
      }
      for (let i = 0; i < 40 && ids.some((id) => chain.phase(id) !== undefined); i++) {
        await chain.tryAll(120_000, []);
      }
      for (const id of ids) assert.equal(chain.phase(id), undefined, 'ended and forgotten');
      for (const { id } of nextValidators(chain.ledger)) assert.equal(readJudge(chain.ledger, id).owed, 0);
    });
  }
});
