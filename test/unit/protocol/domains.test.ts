import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import {
  domainHash,
  nextBeacon,
  NO_GENESIS_ID,
  PURPOSES,
  signingRoot,
  type ChainIdentity,
} from '../../../protocol/domains.js';
import { votePayloadCodec } from '../../../protocol/types/vote.js';
import { createPrng } from '../../support/prng.js';
import { SAMPLES } from '../../support/samples.js';

const identity: ChainIdentity = {
  chainId: 64_782,
  genesisId: new Uint8Array(32).fill(7),
  protocolVersion: 1,
};
const root = votePayloadCodec.root(SAMPLES.votePayload(createPrng(1)));

test('one object has different sign-bytes for every purpose, chain, genesis and protocol version', () => {
  const roots = [
    ...PURPOSES.map((purpose) => signingRoot(identity, purpose, root)),
    signingRoot({ ...identity, chainId: 64_781 }, 'prevote', root),
    signingRoot({ ...identity, genesisId: NO_GENESIS_ID }, 'prevote', root),
    signingRoot({ ...identity, protocolVersion: 2 }, 'prevote', root),
    signingRoot(identity, 'prevote', new Uint8Array(32)),
  ].map(toHex);
  assert.equal(new Set(roots).size, roots.length);
});

test('domain hashes differ by purpose and chain', () => {
  const hashes = PURPOSES.flatMap((purpose) =>
    [1, 2].map((chainId) => toHex(domainHash(chainId, purpose, root))),
  );
  assert.equal(new Set(hashes).size, hashes.length);
});

test('sign-bytes and the beacon are locked', () => {
  assert.equal(
    toHex(signingRoot(identity, 'precommit', new Uint8Array(32).fill(1))),
    '0x3bf246999eb1e7b455958d9fe4d80df8cbed700729e9d1b4d15ce78a8557e712',
  );
  assert.equal(
    toHex(nextBeacon(64_782, new Uint8Array(32), new Uint8Array(96).fill(5))),
    '0xa6a7c8375e6318407c76eff67d6e9bf5cf7dc53dab150bbc354e60f9f5462861',
  );
});
