import { join } from 'node:path';
import { toHex } from '../protocol/bytes.js';

/** The database of the ledger, and nothing else. */
export function ledgerFolder(data: string): string {
  return join(data, 'ledger');
}

/** What was found out about blocks that did not come to what their header says. */
export function diagnosisFolder(data: string): string {
  return join(data, 'diagnosis');
}

/** The write-ahead log of consensus. */
export function walFolder(data: string): string {
  return join(data, 'wal');
}

/** Evidence of contradictions that waits for a block. */
export function evidenceFolder(data: string): string {
  return join(data, 'evidence');
}

/** What this validator has judged, and somebody may have heard of. */
export function verdictsFolder(data: string): string {
  return join(data, 'verdicts');
}

/** What one validator key signed last; each key that the node ever used keeps its own. */
export function signerFolder(data: string, publicKey: Uint8Array): string {
  return join(data, 'signer', toHex(publicKey));
}

/** Transactions that waited for a block. */
export function journalFile(data: string): string {
  return join(data, 'mempool.journal');
}

/** What the genesis document came to when it was checked. */
export function genesisNote(data: string): string {
  return join(data, 'genesis-note.json');
}

/** Keys of the node, and of the validator it signs for. */
export function keysFolder(data: string): string {
  return join(data, 'keys');
}

/** The genesis document with its snapshots, unless the configuration names another place. */
export function genesisFolder(data: string): string {
  return join(data, 'genesis');
}

/** Addresses of peers, and who is banned. */
export function peersFolder(data: string): string {
  return join(data, 'peers');
}

/** Snapshots of the state that other nodes may begin with. */
export function snapshotsFolder(data: string): string {
  return join(data, 'snapshots');
}
