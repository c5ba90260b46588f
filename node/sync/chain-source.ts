import { encodedFinalBlock, type BlockRange, type ChainSource } from '../../p2p/chain-requests.js';
import { readHead, readTail } from '../../state/chain/marks.js';
import { placeCodec } from '../../state/chain/records.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Reader } from '../../state/store/store.js';

/** What peers may ask of a ledger. A block is read and sent as it is stored, one at a time: nothing is decoded. */
export function storeChainSource(store: Reader): ChainSource {
  return {
    status: () => {
      const head = readHead(store);
      return {
        headHeight: head?.height ?? 0,
        headId: head?.id ?? new Uint8Array(32),
        oldestHeight: readTail(store).height,
      };
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- who sends them waits between two
    blocks: async function* ({ firstHeight, count }: BlockRange) {
      for (let height = firstHeight; height < firstHeight + count; height++) {
        const block = storedFinalBlock(store, height);
        if (block === undefined) return;
        yield block;
      }
    },
    blockById: (id) => {
      const place = store.get(NODE_KEYS.blockId.encode(id));
      return Promise.resolve(place && storedFinalBlock(store, placeCodec.decode(place).height));
    },
  };
}

function storedFinalBlock(store: Reader, height: number): Uint8Array | undefined {
  const block = store.get(NODE_KEYS.block.encode(height));
  const commit = store.get(NODE_KEYS.commit.encode(height));
  return block && commit && encodedFinalBlock(block, commit);
}
