import { auditRecordSignBytes } from '../../protocol/audit/seal.js';
import { toHex } from '../../protocol/bytes.js';
import type { Bls, BlsPublicKey } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import type { BlockMoment } from '../../protocol/moment.js';
import { SszError } from '../../protocol/ssz/types.js';
import {
  auditEntriesCodec,
  MAX_AUDIT_ENTRIES,
  type AuditEntry,
  type SignedAuditEntry,
} from '../../protocol/types/audit.js';

/** An entry that state does not show yet. */
export interface PendingEntry {
  readonly entry: AuditEntry;
  /** When the phase that waits for it is over. */
  readonly deadline: BlockMoment;
}

/** Content of the next vote extension: what is due first, as much as fits. The rest stays pending. */
export function extensionContent(pending: readonly PendingEntry[]): Uint8Array {
  const chosen = [...pending]
    .sort((a, b) => a.deadline.timeMs - b.deadline.timeMs || a.deadline.height - b.deadline.height)
    .slice(0, MAX_AUDIT_ENTRIES)
    .map(({ entry }) => entry);
  return chosen.length === 0 ? new Uint8Array(0) : auditEntriesCodec.encode(chosen);
}

/**
 * What the content of an extension says. Content that is no list of entries says nothing: no block is refused for it. Of several entries
 * about one attempt and round the first counts.
 */
export function entriesOf(content: Uint8Array): AuditEntry[] {
  const seen = new Set<string>();
  return decodeEntries(content).filter(({ subject, attempt, auditRound }) => {
    const place = `${toHex(subject)} ${attempt} ${auditRound}`;
    const isFirst = !seen.has(place);
    seen.add(place);
    return isFirst;
  });
}

function decodeEntries(content: Uint8Array): AuditEntry[] {
  try {
    return auditEntriesCodec.decode(content);
  } catch (error) {
    if (error instanceof SszError) return [];
    throw error;
  }
}

/** Whether a record that came in a transaction is signed by its validator. @param key of the validator named in it */
export function isSignedRecord(
  bls: Bls,
  chain: ChainIdentity,
  key: BlsPublicKey,
  { entry, signature }: SignedAuditEntry,
): boolean {
  return bls.verify(key, auditRecordSignBytes(chain, entry), signature);
}
