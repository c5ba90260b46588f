import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { MAX_VALIDATORS } from '../../../protocol/limits.js';
import { attestations, writeAttestation } from '../../../state/sources/attestations.js';
import { isOpen, MAX_REVIEWS_PER_BLOCK } from '../../../state/sources/openness.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  attest,
  ofSource,
  onLedger,
  readSource,
  registerSource,
  sampleSource,
} from '../../support/market.js';
import { ALICE, BOB, delegate, eventValues, StakingChain, type StakingCall } from '../../support/staking.js';

const VALIDATORS = [1, 2, 3, 4].map((number) => new Uint8Array(20).fill(number)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const [V1, V2, V3, V4] = VALIDATORS;

function chainOfFour({ checksWhole = true } = {}): StakingChain {
  return new StakingChain({
    members: VALIDATORS.map((_, index) => genesisValidator(index + 1)),
    people: [ALICE, BOB, ...VALIDATORS],
    checksWhole,
  });
}

function byIndex(chain: StakingChain, calls: readonly StakingCall[]): Promise<unknown> {
  return chain.run(...calls);
}

describe('open sources when the validators change', () => {
  test('are closed a bounded number in each block, and take no jobs from the first one on', async () => {
    const chain = chainOfFour({ checksWhole: false });
    const count = 2 * MAX_REVIEWS_PER_BLOCK + 5;
    const all = Array.from({ length: count }, (_, index) => sampleSource(index + 1));
    for (let from = 0; from < count; from += 15) {
      const part = all.slice(from, from + 15);
      await byIndex(
        chain,
        part.map(({ bytes }) => registerSource(ALICE, bytes)),
      );
      for (const validator of [V1, V2, V3]) {
        await byIndex(
          chain,
          part.map(({ id }) => attest(validator, id)),
        );
      }
    }
    assert.ok(all.every(({ id }) => isOpen(chain.ledger, id)));
    // One that cannot run them becomes as big as all others together.
    await chain.run(delegate(BOB, V4, 30_000n * WEI_PER_OGPU));
    const epoch = chain.epoch;
    await chain.block({ afterMs: 61_000 });
    assert.equal(chain.epoch, epoch + 1);
    assert.ok(all.every(({ id }) => readSource(chain.ledger, id).status === 1));
    assert.ok(!all.some(({ id }) => isOpen(chain.ledger, id)));
    for (const expected of [MAX_REVIEWS_PER_BLOCK, MAX_REVIEWS_PER_BLOCK, 5, 0]) {
      const closed = eventValues(await chain.block(), 'SourceClosed');
      assert.deepEqual([closed.length, closed.every((values) => values[1] === 2)], [expected, true]);
    }
    await chain.run(attest(V4, all[0]?.id ?? new Uint8Array(32)));
    assert.ok(isOpen(chain.ledger, all[0]?.id ?? new Uint8Array(32)));
  });

  test('that stay open are looked at once in an epoch', async () => {
    const chain = chainOfFour();
    const { bytes, id } = sampleSource();
    await chain.run(registerSource(ALICE, bytes));
    await chain.run(attest(V1, id), attest(V2, id), attest(V3, id));
    await chain.block({ afterMs: 61_000 });
    const first = chain.costOf({});
    await chain.block();
    assert.ok(chain.costOf({}).writes < first.writes);
    assert.ok(isOpen(chain.ledger, id));
  });

  test('anybody can have one opened that the others have made big enough', async () => {
    const chain = chainOfFour();
    const { bytes, id } = sampleSource();
    await chain.run(registerSource(ALICE, bytes), attest(V1, id), attest(V2, id));
    await chain.run(delegate(BOB, V1, 40_000n * WEI_PER_OGPU));
    await chain.block({ afterMs: 61_000 });
    assert.equal(isOpen(chain.ledger, id), false);
    await chain.run(ofSource(BOB, 'review', id));
    assert.equal(isOpen(chain.ledger, id), true);
  });
});

test('where too many have spoken, those that left the set make room, and nobody else', async () => {
  const chain = chainOfFour();
  const { bytes, id } = sampleSource();
  await chain.run(registerSource(ALICE, bytes));
  const strangers = Array.from({ length: MAX_VALIDATORS - 1 }, (_, index) =>
    Uint8Array.from({ length: 20 }, (_byte, at) => (at === 0 ? 200 : at === 1 ? index >> 8 : index & 255)),
  );
  const said = [V1, ...strangers].map((validator) => ({ validator, verdict: 1, height: 1 }));
  onLedger(chain, ({ state }) => {
    state.checkpoint();
    attestations.write(state, said, id);
    writeAttestation(state, id, V1, { verdict: 2, height: 2 });
    assert.equal(attestations.read(state, id).length, MAX_VALIDATORS);
    writeAttestation(state, id, V2, { verdict: 1, height: 3 });
    assert.deepEqual(attestations.read(state, id), [
      { validator: V1, verdict: 2, height: 2 },
      { validator: V2, verdict: 1, height: 3 },
    ]);
    writeAttestation(state, id, V1, undefined);
    writeAttestation(state, id, V2, undefined);
    assert.equal(attestations.find(state, id), undefined);
    state.rollback();
  });
});
