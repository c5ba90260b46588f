import { fromHex, HexError, toHex } from '../../protocol/bytes.js';
import type { Entry, KeyRange, Store } from '../../state/store/store.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';

/** Some entries of a key space. */
export interface EntryPage {
  readonly entries: readonly Entry[];
  /** Null where there are no more. */
  readonly next: string | null;
}

/**
 * Entries of a range of the present state from `cursor` on. The chain goes on between pages: an entry that comes or goes meanwhile may be
 * missed or met, none is given twice.
 *
 * @throws RpcError RPC_CURSOR_INVALID
 */
export async function readPage(
  store: Store,
  range: KeyRange,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<EntryPage> {
  const gte = cursor === undefined ? range.gte : parseCursor(cursor, range);
  const entries: Entry[] = [];
  for await (const page of store.range({ gte, lt: range.lt, limit: limit + 1 })) entries.push(...page);
  const further = entries[limit];
  return { entries: entries.slice(0, limit), next: further === undefined ? null : toHex(further.key) };
}

/** The key of the next entry: one of the range, or no cursor of ours. */
function parseCursor(cursor: string, { gte, lt }: KeyRange): Uint8Array {
  try {
    const key = fromHex(cursor);
    const text = toHex(key);
    if (text >= toHex(gte) && text < toHex(lt)) return key;
  } catch (error) {
    if (!(error instanceof HexError)) throw error;
  }
  throw new RpcError(RPC.invalidParams, 'RPC_CURSOR_INVALID', 'not a cursor of this list', {
    cursor: cursor.slice(0, 80),
  });
}
