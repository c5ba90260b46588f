import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SignerError } from '../../../consensus/signer/errors.js';
import { blsSigningKey, MAX_WAITING_SIGNATURES } from '../../../consensus/signer/local-signer.js';
import { toHex } from '../../../protocol/bytes.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { signingRoot } from '../../../protocol/domains.js';
import { InvariantError } from '../../../protocol/invariant.js';
import { SszError } from '../../../protocol/ssz/types.js';
import { extensionPayloadCodec } from '../../../protocol/types/extension.js';
import { proposalPayloadCodec } from '../../../protocol/types/proposal.js';
import { votePayloadCodec } from '../../../protocol/types/vote.js';
import { SimulatedDisk } from '../../sim/disk.js';
import { createPrng } from '../../support/prng.js';
import { blockId, CHAIN, openOn, proposal, vote } from './support.js';

const EMPTY = new Uint8Array(0);

describe('a signer', () => {
  test('signs what verifies under the domain of its purpose', async () => {
    const key = blsSigningKey(new Uint8Array(32).fill(3));
    const signer = await openOn(newDisk(), { key });
    const parsed = bls.parsePublicKey(signer.publicKey);
    const identity = { ...CHAIN, protocolVersion: 1 };
    const check = (
      purpose: Parameters<typeof signingRoot>[1],
      root: Uint8Array,
      signature: Uint8Array,
    ): void => assert.ok(bls.verify(parsed, signingRoot(identity, purpose, root), signature), purpose);

    const payload = proposal(1, 0, 5);
    check('proposal', proposalPayloadCodec.root(payload), await signer.signProposal(payload));
    const ballot = vote(1, 0, 5);
    check('prevote', votePayloadCodec.root(ballot), await signer.signPrevote(ballot));
    const { signature, extension } = await signer.signPrecommit(ballot, Uint8Array.of(1, 2));
    check('precommit', votePayloadCodec.root(ballot), signature);
    assert.ok(extension !== undefined);
    assert.deepEqual(extension.payload, { height: 1, round: 0, content: Uint8Array.of(1, 2) });
    check('vote-extension', extensionPayloadCodec.root(extension.payload), extension.signature);
  });

  test('signs again what it signed last, also after a restart', async () => {
    const disk = newDisk();
    const signer = await openOn(disk);
    const payload = vote(3, 1, 5);
    const first = await signer.signPrecommit(payload, Uint8Array.of(1));
    assert.deepEqual(await signer.signPrecommit(payload, Uint8Array.of(1)), first);
    assert.deepEqual(await (await openOn(disk.crash())).signPrecommit(payload, Uint8Array.of(1)), first);
  });

  test('refuses other bytes at the place it signed last, naming both', async () => {
    const signer = await openOn(newDisk());
    await signer.signProposal(proposal(1, 0, 5));
    await refuses(signer.signProposal(proposal(1, 0, 6)), 'SIGNER_CONFLICT');
    await refuses(signer.signProposal({ ...proposal(1, 0, 5), validRound: 0 }), 'SIGNER_CONFLICT');
    await signer.signPrevote(vote(1, 0, 5));
    await refuses(signer.signPrevote(vote(1, 0, 0)), 'SIGNER_CONFLICT');
    await signer.signPrecommit(vote(1, 0, 0), undefined);
    const error = await refuses(signer.signPrecommit(vote(1, 0, 5), EMPTY), 'SIGNER_CONFLICT');
    const { signed, refused } = error.data as Record<string, { signBytes: string }>;
    assert.match(signed?.signBytes ?? '', /^0x[0-9a-f]{64}$/);
    assert.notEqual(signed?.signBytes, refused?.signBytes);
  });

  test('refuses every earlier height, round and step', async () => {
    const signer = await openOn(newDisk());
    await signer.signPrevote(vote(5, 3, 1));
    for (const earlier of [
      () => signer.signProposal(proposal(5, 3, 1)),
      () => signer.signPrecommit(vote(5, 2, 1), EMPTY),
      () => signer.signPrevote(vote(5, 2, 1)),
      () => signer.signPrecommit(vote(4, 9, 1), EMPTY),
      () => signer.reveal({ height: 4, previousBeacon: blockId(1) }),
    ]) {
      await refuses(earlier(), 'SIGNER_REGRESSION');
    }
    await signer.signPrecommit(vote(5, 3, 1), EMPTY);
    await signer.signPrevote(vote(5, 4, 2));
    await signer.signProposal(proposal(6, 0, 1));
  });

  test('never gives two verdicts: asked with another content, it gives the extension it signed before', async () => {
    const disk = newDisk();
    const signer = await openOn(disk);
    const content = Uint8Array.of(1, 2, 3);
    const first = await signer.signPrecommit(vote(1, 0, 5), content);
    content.fill(9);
    assert.deepEqual(await signer.signPrecommit(vote(1, 0, 5), Uint8Array.of(4)), first);
    first.extension?.payload.content.fill(8);
    const again = await (await openOn(disk.crash())).signPrecommit(vote(1, 0, 5), EMPTY);
    assert.deepEqual(again.extension?.payload.content, Uint8Array.of(1, 2, 3));
    assert.deepEqual(again.extension.signature, first.extension?.signature);
  });

  test('gives no extension with a vote for nil, and demands one with any other', async () => {
    const signer = await openOn(newDisk());
    await assert.rejects(signer.signPrecommit(vote(1, 0, 0), EMPTY), InvariantError);
    await assert.rejects(signer.signPrecommit(vote(1, 0, 5), undefined), InvariantError);
    assert.equal((await signer.signPrecommit(vote(1, 0, 0), undefined)).extension, undefined);
    assert.equal(signer.record.last?.extension.length, 0);
  });

  test('reveals the one beacon of a height and its past, without a record', async () => {
    const disk = newDisk();
    const signer = await openOn(disk, { key: blsSigningKey(new Uint8Array(32).fill(3)) });
    await signer.signPrevote(vote(5, 0, 1));
    const { steps } = disk;
    const reveal = await signer.reveal({ height: 5, previousBeacon: blockId(1) });
    assert.deepEqual(await signer.reveal({ height: 5, previousBeacon: blockId(1) }), reveal);
    assert.notDeepEqual(await signer.reveal({ height: 6, previousBeacon: blockId(1) }), reveal);
    assert.equal(disk.steps, steps);
  });

  test('signs nothing that does not fit its schema, and forgets nothing by that', async () => {
    const signer = await openOn(newDisk());
    await assert.rejects(signer.signPrevote(vote(-1, 0, 1)), SszError);
    await assert.rejects(signer.signPrevote(vote(1, 2 ** 32, 1)), SszError);
    await assert.rejects(signer.signPrevote({ ...vote(1, 0, 1), blockId: new Uint8Array(31) }), SszError);
    await assert.rejects(signer.signPrecommit(vote(1, 0, 1), new Uint8Array(2049)), SszError);
    assert.equal(signer.record.last, undefined);
  });

  test('takes requests one after the other, and so many at once', async () => {
    const signer = await openOn(newDisk());
    const requests = Array.from({ length: MAX_WAITING_SIGNATURES + 5 }, (_, i) =>
      signer.signPrevote(vote(1, 0, i % 2 === 0 ? 5 : 6)).then(toHex, (error: unknown) => {
        assert.ok(error instanceof SignerError);
        return error.code;
      }),
    );
    const answers = await Promise.all(requests);
    const count = (answer: string): number => answers.filter((each) => each === answer).length;
    assert.equal(count('SIGNER_BUSY'), 5);
    assert.equal(count('SIGNER_CONFLICT'), MAX_WAITING_SIGNATURES / 2);
    assert.equal(new Set(answers).size, 3, 'one signature');
    await signer.signPrecommit(vote(1, 0, 5), EMPTY);
  });
});

function newDisk(): SimulatedDisk {
  return new SimulatedDisk({ prng: createPrng(1) });
}

async function refuses(request: Promise<unknown>, code: SignerError['code']): Promise<SignerError> {
  const error = await request.then(
    () => assert.fail('it was signed'),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof SignerError);
  assert.equal(error.code, code);
  return error;
}
