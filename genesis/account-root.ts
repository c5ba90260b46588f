import { hasher } from '@chainsafe/persistent-merkle-tree';
import { ADDRESS_LENGTH } from '../protocol/address.js';
import { invariant } from '../protocol/invariant.js';
import '../protocol/ssz/hasher.js';
import type { AccountTable } from './accounts.js';

/** Depth of an SSZ list with room for 2^32 accounts. */
const LIST_DEPTH = 32;
const CHUNK_BYTES = 32;
const BLOCK_BYTES = 2 * CHUNK_BYTES;
/** Accounts hashed at a time: 2^12 blocks of 64 bytes are 256 KiB. */
const BATCH_DEPTH = 12;
const BATCH_ACCOUNTS = 1 << BATCH_DEPTH;
const BALANCE_BYTES = 16;

/**
 * SSZ hash tree root of the table as `List[Container{address: Bytes20, balanceWei: uint128}, 2^32]`.
 *
 * Equal to what an SSZ library gives for the same list, but hashed straight from the flat arrays in batches: the tree
 * of a million accounts is never in memory.
 */
export function accountListRoot(table: AccountTable): Uint8Array {
  const batchCount = Math.ceil(table.length / BATCH_ACCOUNTS);
  const batchRoots = new Uint8Array(Math.max(1, batchCount) * CHUNK_BYTES);
  const blocks = new Uint8Array(BATCH_ACCOUNTS * BLOCK_BYTES);
  batchRoots.set(zeroHash(BATCH_DEPTH));
  for (let batch = 0; batch < batchCount; batch++) {
    const first = batch * BATCH_ACCOUNTS;
    const count = Math.min(BATCH_ACCOUNTS, table.length - first);
    const leaves = hashAccounts(table, first, count, blocks);
    batchRoots.set(merkleize(leaves, 0, BATCH_DEPTH), batch * CHUNK_BYTES);
  }
  const length = new Uint8Array(CHUNK_BYTES);
  new DataView(length.buffer).setUint32(0, table.length, true);
  return hasher.digest64(merkleize(batchRoots, BATCH_DEPTH, LIST_DEPTH), length);
}

/** Roots of `count` account containers. `blocks` is scratch space; the result is a view into it. */
function hashAccounts(table: AccountTable, first: number, count: number, blocks: Uint8Array): Uint8Array {
  invariant(count > 0 && count * BLOCK_BYTES <= blocks.length, 'a batch of accounts fits its buffer');
  blocks.fill(0, 0, count * BLOCK_BYTES);
  for (let i = 0; i < count; i++) {
    const account = first + i;
    const block = i * BLOCK_BYTES;
    blocks.set(table.addresses.subarray(account * ADDRESS_LENGTH, (account + 1) * ADDRESS_LENGTH), block);
    blocks.set(
      table.balances.subarray(account * BALANCE_BYTES, (account + 1) * BALANCE_BYTES),
      block + CHUNK_BYTES,
    );
  }
  return hashPairs(blocks.subarray(0, count * BLOCK_BYTES));
}

/** Root at `toDepth` of nodes that are themselves roots of depth `fromDepth`; absent nodes count as zero chunks. */
function merkleize(nodes: Uint8Array, fromDepth: number, toDepth: number): Uint8Array {
  let level = nodes;
  for (let depth = fromDepth; depth < toDepth; depth++) {
    if (level.length % BLOCK_BYTES !== 0) {
      const padded = new Uint8Array(level.length + CHUNK_BYTES);
      padded.set(level);
      padded.set(zeroHash(depth), level.length);
      level = padded;
    }
    level = hashPairs(level);
  }
  invariant(level.length === CHUNK_BYTES, 'merkleization ends in one root');
  return level;
}

function hashPairs(blocks: Uint8Array): Uint8Array {
  const hashes = new Uint8Array(blocks.length / 2);
  hasher.hashInto(blocks, hashes);
  return hashes;
}

/** Root of a tree of zero chunks of `depth`. */
function zeroHash(depth: number): Uint8Array {
  let hash: Uint8Array = new Uint8Array(CHUNK_BYTES);
  for (let level = 0; level < depth; level++) hash = hasher.digest64(hash, hash);
  return hash;
}
