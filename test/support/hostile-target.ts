import { chainHandlers, finalBlockCodec } from '../../p2p/chain-requests.js';
import { storedBlock, storedCommit } from '../../node/consensus/stored-blocks.js';
import type { Verdict } from '../../p2p/gossip/judging.js';
import { OgpuError } from '../../protocol/errors.js';
import { simulatedChain } from '../sim/consensus/chain.js';
import { startValidator } from './socket-validators.js';

/*
 * A validator alone in its chain, in a process of its own: what others besiege. Says where it is, and how it is when asked.
 */

export interface Condition {
  readonly height: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly peers: number;
  /** Of faults, by peer: `id code`. */
  readonly blamed: readonly string[];
  readonly failures: number;
}

async function main(): Promise<void> {
  const chain = await simulatedChain(1, true);
  const blocks = (height: number): Uint8Array | undefined => {
    const [block, commit] = [storedBlock(target.store, height), storedCommit(target.store, height)];
    return block && commit && finalBlockCodec.encode({ block, commit });
  };
  const judge = async (envelopes: readonly Uint8Array[]): Promise<Verdict> => {
    try {
      await target.transactions.resolve(envelopes);
    } catch (error) {
      if (error instanceof OgpuError) return 'reject';
      throw error;
    }
    const taken = await Promise.all(envelopes.map((envelope) => target.transactions.add(envelope)));
    return taken.includes(true) ? 'accept' : 'ignore';
  };
  const target = await startValidator(chain, 0, {
    gossip: {
      onTransactions: (_peer, envelopes) => judge(envelopes),
      onBlock: ({ length }) => Promise.resolve(length > 0 ? 'reject' : 'ignore'),
    },
    serve: chainHandlers({
      status: () => ({
        headHeight: target.participant.tip.parent.height,
        headId: target.participant.tip.parent.id,
        oldestHeight: 1,
      }),
      // eslint-disable-next-line @typescript-eslint/require-await -- from memory
      blocks: async function* ({ firstHeight, count }) {
        for (let height = firstHeight; height < firstHeight + count; height++) {
          const block = blocks(height);
          if (block === undefined) return;
          yield block;
        }
      },
      blockById: () => Promise.resolve(blocks(1)),
    }),
  });
  const condition = (): Condition => {
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const blamed = target.node.events.items.flatMap((event) =>
      event.kind === 'peer-blamed' || event.kind === 'peer-refused'
        ? [`${event.peer} ${event.error.code}`]
        : [],
    );
    target.node.events.items.length = 0;
    return {
      height: target.participant.tip.parent.height,
      ...{ heapBytes: heapUsed, rssBytes: rss, peers: target.node.network.peers.length },
      ...{ blamed, failures: target.failures.length },
    };
  };
  process.on('message', () => process.send?.(condition()));
  process.on('disconnect', () => process.exit());
  process.send?.(target.node.address);
}

await main();
