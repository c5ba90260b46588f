import { join } from 'node:path';

/** The database of the ledger, and nothing else. */
export function ledgerFolder(data: string): string {
  return join(data, 'ledger');
}

/** What was found out about blocks that did not come to what their header says. */
export function diagnosisFolder(data: string): string {
  return join(data, 'diagnosis');
}
