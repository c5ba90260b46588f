import { setTimeout as delay } from 'node:timers/promises';
import type { ChainReader } from '../chain/chain-reader.js';
import type { FinalNews } from '../chain/final-news.js';
import type { StoredBlock } from '../chain/stored-block.js';
import type { StoredReceipts } from '../chain/stored-receipts.js';
import { errorObject } from '../errors/mapping.js';
import { Deadline } from '../transport/deadline.js';
import type { PushChannel } from '../transport/session.js';
import type { Turns } from '../transport/turns.js';

/** What one client wants of each block. */
export interface BlockStream {
  /** The first height. */
  readonly from: number;
  /** JSON of what is told of a block; undefined where there is nothing to tell. */
  readonly tell: (stored: StoredBlock, receipts: StoredReceipts) => string | undefined;
  readonly send: (json: string) => void;
  readonly isOver: () => boolean;
}

/** Bytes a client may be behind before it gets the next block. */
const PACE_BYTES = 256 * 1024;
const PACE_MS = 20;
/** Time for the reading of one block. */
const BLOCK_MS = 30_000;

/**
 * Tells one client of every block from a height on, in order and without a gap: those that are there already, then those to come. A client
 * that reads slowly is told later, out of the store; nothing is buffered for it.
 */
export function follow(
  { chain, news, turns }: { readonly chain: ChainReader; readonly news: FinalNews; readonly turns: Turns },
  channel: PushChannel,
  stream: BlockStream,
): void {
  let next = stream.from;
  let isRunning = false;
  let isEnded = false;
  const advance = async (): Promise<void> => {
    while (!stream.isOver() && next <= chain.head.height) {
      if (channel.backlogBytes > PACE_BYTES) {
        await delay(PACE_MS);
        continue;
      }
      const deadline = new Deadline(turns, BLOCK_MS);
      const [stored, receipts] = [await chain.block(next), await chain.receipts(next, deadline)];
      if (stored === undefined || receipts === undefined) {
        const dropped = { code: 'RPC_BLOCK_PRUNED', height: next, lowest: chain.lowestHeight };
        stream.send(JSON.stringify({ error: { message: 'the block is not kept any more', data: dropped } }));
        end();
        return;
      }
      const json = stream.tell(stored, receipts);
      next++;
      if (json !== undefined) stream.send(json);
      await turns.pause();
    }
    if (stream.isOver()) end();
  };
  const run = (): void => {
    if (isRunning) return;
    isRunning = true;
    void advance()
      .catch((error: unknown) => {
        stream.send(JSON.stringify({ error: errorObject(error) }));
        end();
      })
      .finally(() => {
        isRunning = false;
        // A block that became final in the last moment has found this busy.
        if (!isEnded && next <= chain.head.height) run();
      });
  };
  const unlisten = news.listen(run);
  const end = (): void => {
    isEnded = true;
    unlisten();
  };
  // The answer with the id goes out before the first block.
  setImmediate(run);
}
