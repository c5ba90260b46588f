import { bytesEqual, toHex } from '../../protocol/bytes.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import type { ErrorData } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { voteSignBytes } from '../../protocol/sign-bytes.js';
import type { Commit } from '../../protocol/types/commit.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { PRECOMMIT } from '../../protocol/types/vote.js';
import { SignerError } from './errors.js';
import { comparePlaces, describePlace, PRECOMMIT_STEP, type SignerRecord } from './record.js';

/** A verified commit and the set that decided its height. */
export interface DecidedHeight {
  readonly commit: Commit;
  readonly validators: ValidatorSet;
}

/**
 * Refuses to sign with a key that signed somewhere else: its signature is in a recent commit, but not in the record of the signer
 * here. A copied key, a record restored from an old backup and a record made anew all show so.
 *
 * @param recent as many of the latest heights as are at hand; what signed only before them goes unnoticed
 * @throws SignerError SIGNER_SIGNED_ELSEWHERE
 */
export function assertNotSignedElsewhere(
  recent: readonly DecidedHeight[],
  record: SignerRecord,
  versionAt: (height: number) => number,
): void {
  for (const { commit, validators } of recent) {
    invariant(
      commit.signers.bitLen === validators.length,
      'a commit has a bit for each validator of its set',
    );
    if (!isSigner({ commit, validators }, record.identity.publicKey)) continue;
    if (isCovered(commit, record, versionAt)) continue;
    const recorded = record.last === undefined ? 'nothing' : describePlace(record.last);
    throw signedElsewhere(commit, record.identity.publicKey, { recorded });
  }
}

/** Whether a key is among those that signed a commit. */
export function isSigner({ commit, validators }: DecidedHeight, publicKey: Uint8Array): boolean {
  const index = validators.findIndex(({ blsPublicKey }) => bytesEqual(blsPublicKey, publicKey));
  return index !== -1 && commit.signers.get(index);
}

/** Whether the record knows of this precommit, or of something later: then the signer had been asked for it or will refuse it. */
function isCovered(
  commit: Commit,
  { identity, last }: SignerRecord,
  versionAt: (height: number) => number,
): boolean {
  if (last === undefined) return false;
  const { height, round, blockId } = commit;
  const order = comparePlaces(last, { height, round, step: PRECOMMIT_STEP });
  if (order !== 0) return order > 0;
  const { chainId, genesisId } = identity;
  const chain: ChainIdentity = { chainId, genesisId, protocolVersion: versionAt(height) };
  return bytesEqual(last.signBytes, voteSignBytes(chain, PRECOMMIT, { height, round, blockId }));
}

export function signedElsewhere(
  { height, round }: Commit,
  publicKey: Uint8Array,
  data: ErrorData = {},
): SignerError {
  return new SignerError(
    'SIGNER_SIGNED_ELSEWHERE',
    'the chain holds a precommit of this key that was not signed here',
    {
      publicKey: toHex(publicKey),
      height,
      round,
      ...data,
      cure: 'find and stop the other node that has this key, export its signer state and import it here; never run one key on two machines',
    },
  );
}
