import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertNotSignedElsewhere, type DecidedHeight } from '../../../consensus/signer/guard.js';
import { BitArray } from '../../../protocol/ssz/types.js';
import type { LocalSigner } from '../../../consensus/signer/local-signer.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';
import { blockId, FAKE_KEY, openOn, vote } from './support.js';

const versionAt = (): number => 1;
const OTHER_KEY = new Uint8Array(48).fill(3);

describe('a signer that starts', () => {
  test('is let go where the chain has nothing of it, or nothing beyond its record', async () => {
    const signer = await openOn(new SimulatedDisk({ prng: createPrng(1) }));
    assertNotSignedElsewhere([decided(1, 0, [0]), decided(2, 0, [0, 2])], signer.record, versionAt);
    await signer.signPrecommit(vote(7, 1, 5), Uint8Array.of(1));
    const covered = [decided(5, 3, [1]), decided(6, 0, [0, 1]), decided(7, 0, [1]), decided(7, 1, [1])];
    assertNotSignedElsewhere(covered, signer.record, versionAt);
    await signer.signPrevote(vote(8, 0, 5));
    assertNotSignedElsewhere(covered, signer.record, versionAt);
  });

  test('is refused where its key signed something that the record does not know', async () => {
    const signer = await openOn(new SimulatedDisk({ prng: createPrng(1) }));
    const refuses = (...recent: DecidedHeight[]): void =>
      assert.throws(() => assertNotSignedElsewhere(recent, signer.record, versionAt), {
        code: 'SIGNER_SIGNED_ELSEWHERE',
      });
    refuses(decided(1, 0, [1]));
    await signer.signPrevote(vote(7, 1, 5));
    refuses(decided(5, 0, [1]), decided(7, 1, [1]));
    await signer.signPrecommit(vote(7, 1, 5), Uint8Array.of(1));
    refuses(decided(7, 1, [1], 6));
    refuses(decided(7, 2, [1]));
    refuses(decided(7, 1, [1]), decided(8, 0, [0, 1, 2]));
  });

  test('is known by its key: what its validator signed with an older one is no concern of this record', async () => {
    const signer = await openOn(new SimulatedDisk({ prng: createPrng(1) }));
    const { commit, validators } = decided(3, 0, [1]);
    const rotated = validators.map((validator) => ({ ...validator, blsPublicKey: OTHER_KEY }));
    assertNotSignedElsewhere([{ commit, validators: rotated }], signer.record, versionAt);
  });
});

describe('a signer that runs', () => {
  test('tells which precommits it has signed, and where it does not remember', async () => {
    const disk = new SimulatedDisk({ prng: createPrng(1) });
    const signer = await openOn(disk);
    assert.equal(await signer.hasSignedPrecommit(vote(3, 0, 5)), false);
    await signer.signPrecommit(vote(3, 0, 5), Uint8Array.of(1));
    await signer.signPrecommit(vote(3, 1, 0), undefined);
    await signer.signPrevote(vote(4, 0, 5));
    const know = async (one: LocalSigner): Promise<(boolean | undefined)[]> => {
      const asked = [
        vote(2, 0, 5),
        vote(3, 0, 5),
        vote(3, 0, 6),
        vote(3, 1, 5),
        vote(4, 0, 5),
        vote(5, 0, 5),
      ];
      return Promise.all(asked.map((payload) => one.hasSignedPrecommit(payload)));
    };
    assert.deepEqual(await know(signer), [false, true, false, false, false, false]);
    await signer.close();
    const survivor = disk.crash();
    const next = await openOn(survivor);
    assert.deepEqual(await know(next), [undefined, undefined, undefined, undefined, false, false]);
    await next.signPrecommit(vote(4, 0, 5), Uint8Array.of(1));
    assert.deepEqual(await know(next), [undefined, undefined, undefined, undefined, true, false]);
    const third = await openOn(survivor.crash());
    assert.equal(await third.hasSignedPrecommit(vote(4, 0, 5)), true, 'the last one is on record');
    assert.equal(await third.hasSignedPrecommit(vote(4, 0, 6)), false);
  });

  test('forgets the oldest precommits, and does not deny them', async () => {
    const signer = await openOn(new SimulatedDisk({ prng: createPrng(1) }));
    for (let height = 1; height <= 100; height++) {
      await signer.signPrecommit(vote(height, 0, 5), Uint8Array.of(1));
    }
    assert.equal(await signer.hasSignedPrecommit(vote(20, 0, 5)), undefined);
    assert.equal(await signer.hasSignedPrecommit(vote(20, 0, 6)), undefined);
    assert.equal(await signer.hasSignedPrecommit(vote(90, 0, 5)), true);
    assert.equal(await signer.hasSignedPrecommit(vote(90, 1, 5)), false);
  });
});

/** A height decided by three validators, of which the second has the signer's key. */
function decided(height: number, round: number, signers: readonly number[], block = 5): DecidedHeight {
  const validators = [0, 1, 2].map((index) => ({
    id: new Uint8Array(20).fill(index),
    blsPublicKey: index === 1 ? FAKE_KEY.publicKey : new Uint8Array(48).fill(20 + index),
    votingPower: 1,
  }));
  const bits = BitArray.fromBoolArray([0, 1, 2].map((index) => signers.includes(index)));
  const commit = { height, round, blockId: blockId(block), signers: bits, signature: new Uint8Array(96) };
  return { commit, validators };
}
