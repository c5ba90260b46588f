import type { AttemptTerms } from '../../consensus/verification/terms.js';
import { word } from '../../protocol/abi/encode.js';
import { createDispatcher, decodeCall } from '../../protocol/abi/items.js';
import { stateIdOf } from '../../protocol/audit/commitment.js';
import { isInTree } from '../../protocol/audit/tree.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { decodeTransaction } from '../../protocol/transactions/decode.js';
import { IndexCursor, intersection, topicIndex } from '../../rpc/logs/index-cursor.js';
import { EVENTS } from '../../state/jobs/abi.js';
import { bytesArgument, listArgument, uintArgument } from '../../state/modules/arguments.js';
import { jobsModule } from '../../state/modules/jobs.js';
import type { Store } from '../../state/store/store.js';
import { chainRecord, progressRecord } from '../../state/system/chain.js';
import { storedBlock } from '../consensus/stored-blocks.js';

/**
 * Inputs of a batch's segments that its provider has put on the chain, by segment: found by the events of the job, read from the calldata of
 * their transactions, and checked against what the client has named.
 *
 * @throws as reading the store does
 */
export async function publishedItems(
  store: Store,
  { job, attempt, inputId, segments, kind }: AttemptTerms,
): Promise<ReadonlyMap<number, Uint8Array>> {
  const items = new Map<number, Uint8Array>();
  if (kind !== 'batch') return items;
  const topics = [EVENTS.ItemPublished.topic, job, word(BigInt(attempt))];
  const { height: tip } = progressRecord.read(store);
  const cursors = topics.map(
    (topic, position) => new IndexCursor(store, topicIndex(position, topic), tip, () => Promise.resolve()),
  );
  for await (const { height, place } of intersection(cursors, 0)) {
    if (place.section !== 'transaction' || items.size > MAX_FULL_AUDIT_SEGMENTS) continue;
    const piece = pieceIn(store, height, place.transactionIndex);
    if (piece === undefined) continue;
    const { item, data, branch } = piece;
    if (isInTree(inputId, segments, item, stateIdOf(data), branch)) items.set(item, data);
  }
  return items;
}

const PUBLISH = jobsModule.byName.get('publish')?.item;
const DISPATCHER = createDispatcher(PUBLISH === undefined ? [] : [PUBLISH]);

function pieceIn(
  store: Store,
  height: number,
  index: number,
): { readonly item: number; readonly data: Uint8Array; readonly branch: readonly Uint8Array[] } | undefined {
  const envelope = storedBlock(store, height)?.body.transactions[index];
  if (envelope === undefined) return undefined;
  const { transaction } = decodeTransaction(envelope, { chainId: BigInt(chainRecord.read(store).chainId) });
  const { values } = decodeCall(DISPATCHER, transaction.data);
  return {
    item: Number(uintArgument(values, 1)),
    data: bytesArgument(values, 2),
    branch: listArgument(values, 4).map((_, at, list) => bytesArgument(list, at)),
  };
}
