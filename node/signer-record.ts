import { SignerError } from '../consensus/signer/errors.js';
import { readRecord, writeRecord } from '../consensus/signer/record-file.js';
import type { SignerIdentity } from '../consensus/signer/record.js';
import { signerFolder } from './data-folder.js';
import { openFolder } from './disk/open-folder.js';

/**
 * Makes the record of a key that has signed nothing, here or elsewhere.
 *
 * @throws SignerError SIGNER_RECORD_EXISTS; DiskError
 */
export async function beginRecord(data: string, identity: SignerIdentity): Promise<void> {
  const path = signerFolder(data, identity.publicKey);
  const { folder, unlock } = await openFolder(path);
  try {
    if ((await readRecord(folder)) !== undefined) {
      throw new SignerError('SIGNER_RECORD_EXISTS', 'this node has a record of the key already', {
        ...{ path, cure: 'keep it: it is what keeps the key from contradicting itself' },
      });
    }
    await writeRecord(folder, { identity, last: undefined });
  } finally {
    await unlock();
  }
}
