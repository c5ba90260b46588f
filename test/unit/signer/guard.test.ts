import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertNotSignedElsewhere, type DecidedHeight } from '../../../consensus/signer/guard.js';
import { BitArray } from '../../../protocol/ssz/types.js';
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
