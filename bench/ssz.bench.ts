import { hasher, setHasher } from '@chainsafe/persistent-merkle-tree';
import { hasher as nobleHasher } from '@chainsafe/persistent-merkle-tree/hasher/noble';
import { keccak256 } from '../protocol/crypto/hash.js';
import { blockCodec, type Block } from '../protocol/types/block.js';
import { bodyRoots } from '../protocol/types/body.js';
import { headerCodec } from '../protocol/types/header.js';
import { createPrng } from '../test/support/prng.js';
import { SAMPLES } from '../test/support/samples.js';
import type { Contender, Scenario, Suite } from './harness.js';

const TRANSACTIONS = 5_000;
const TRANSFER_BYTES = 118;

export const suite: Suite = {
  scenarios: (): readonly Scenario[] => {
    const prng = createPrng(1);
    const block: Block = SAMPLES.block(prng);
    block.body.transactions = Array.from({ length: TRANSACTIONS }, () => prng.bytes(TRANSFER_BYTES));
    const hashes = block.body.transactions.map(keccak256);
    const encoded = blockCodec.encode(block);
    const header = block.header;
    return [
      {
        name: 'ssz/header-root',
        ours: { name: 'hashtree', run: () => headerCodec.root(header) },
        peers: [withNobleHasher('@noble/hashes', () => headerCodec.root(header))],
      },
      {
        name: `ssz/body-roots/${TRANSACTIONS}-transactions`,
        ours: { name: 'hashtree, roots of hashes', run: () => bodyRoots(block.body, hashes) },
        peers: [
          withNobleHasher('@noble/hashes, roots of hashes', () => bodyRoots(block.body, hashes)),
          { name: 'hashtree, whole block with raw transactions', run: () => blockCodec.root(block) },
        ],
      },
      {
        name: `ssz/block-encode/${TRANSACTIONS}-transactions`,
        ours: { name: 'encode', run: () => blockCodec.encode(block) },
      },
      {
        name: `ssz/block-decode/${TRANSACTIONS}-transactions`,
        ours: { name: 'decode', run: () => blockCodec.decode(encoded) },
      },
      { name: 'ssz/header-decode', ours: { name: 'decode', run: headerDecode(headerCodec.encode(header)) } },
    ];
  },
};

function headerDecode(bytes: Uint8Array): () => unknown {
  return () => headerCodec.decode(bytes);
}

/** The same call with SHA-256 in JavaScript below it. */
function withNobleHasher(name: string, call: () => unknown): Contender {
  const fast = hasher;
  return {
    name,
    run: () => {
      setHasher(nobleHasher);
      call();
      setHasher(fast);
    },
  };
}
