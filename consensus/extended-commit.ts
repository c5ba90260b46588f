import { bytesEqual, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError } from '../protocol/errors.js';
import { invariant } from '../protocol/invariant.js';
import { extensionSignBytes } from '../protocol/sign-bytes.js';
import type { Commit, ExtendedCommit } from '../protocol/types/commit.js';
import { voteExtensionCodec, type VoteExtension } from '../protocol/types/extension.js';
import type { Vote, VotePayload } from '../protocol/types/vote.js';
import { assembleCommit, commitSigners, verifyCommit } from './commit.js';
import { memberAt, type Committee } from './committee.js';
import { findInvalidSignatures } from './signatures.js';

/** A precommit for a block and the extension that rides on it. */
export interface ExtendedPrecommit {
  readonly vote: Vote;
  readonly extension: VoteExtension;
}

/** Extensions that are not those of the signers of a commit. */
export class ExtendedCommitError extends OgpuError<
  'EXTENDED_COMMIT_COUNT' | 'EXTENDED_COMMIT_SIGNER' | 'EXTENDED_COMMIT_PLACE' | 'EXTENDED_COMMIT_SIGNATURE'
> {}

/**
 * As `assembleCommit`, with the extensions in the order of the set. Nothing is made of their signatures, so they are not verified again.
 *
 * @param precommits verified, each with its extension
 * @throws CommitError; ExtendedCommitError; BlsError BLS_SIGNATURE_INVALID
 */
export function assembleExtendedCommit(
  committee: Committee,
  chain: ChainIdentity,
  precommits: readonly ExtendedPrecommit[],
): ExtendedCommit {
  const commit = assembleCommit(
    committee,
    chain,
    precommits.map(({ vote }) => vote),
  );
  const placeOf = ({ vote }: ExtendedPrecommit): number => {
    const index = committee.indexOf(vote.validator);
    invariant(index !== undefined, 'the signer of an assembled commit is a member');
    return index;
  };
  const ordered = [...precommits].sort((a, b) => placeOf(a) - placeOf(b));
  const extensions = ordered.map(({ extension }) => extension);
  checkSignerExtensions(committee, commit, extensions);
  return { commit, extensions };
}

/** @throws CommitError; ExtendedCommitError */
export function verifyExtendedCommit(
  committee: Committee,
  chain: ChainIdentity,
  { commit, extensions }: ExtendedCommit,
  expected: Pick<VotePayload, 'height' | 'blockId'>,
): void {
  verifyCommit(committee, chain, commit, expected);
  checkSignerExtensions(committee, commit, extensions);
  checkExtensionSignatures(committee, chain, extensions);
}

/** Tells extensions that stand in an extended commit, byte for byte: where that was verified, they need not be again. */
export function isExtensionOf({ extensions }: ExtendedCommit): (extension: VoteExtension) => boolean {
  const standing = new Map(extensions.map((extension) => [toHex(extension.validator), extension]));
  return (extension) => {
    const same = standing.get(toHex(extension.validator));
    const encoded = voteExtensionCodec.encode(extension);
    return same !== undefined && bytesEqual(encoded, voteExtensionCodec.encode(same));
  };
}

/**
 * Checks that `extensions` are one of each signer of `commit`, in the order of the set, of its height and round. Signatures are not
 * looked at.
 *
 * @throws ExtendedCommitError; CommitError COMMIT_BITMAP_LENGTH
 */
export function checkSignerExtensions(
  committee: Committee,
  commit: Commit,
  extensions: readonly VoteExtension[],
): void {
  const signers = commitSigners(committee, commit);
  if (extensions.length !== signers.length) {
    throw new ExtendedCommitError('EXTENDED_COMMIT_COUNT', 'as many extensions as signers', {
      ...{ extensions: extensions.length, signers: signers.length },
    });
  }
  for (const [position, place] of signers.entries()) {
    const extension = extensions[position];
    invariant(extension !== undefined, 'there are as many extensions as signers');
    const { payload, validator } = extension;
    if (!bytesEqual(validator, memberAt(committee, place).id)) {
      throw new ExtendedCommitError('EXTENDED_COMMIT_SIGNER', `extension ${position} is not its signer's`, {
        position,
      });
    }
    if (payload.height !== commit.height || payload.round !== commit.round) {
      throw new ExtendedCommitError('EXTENDED_COMMIT_PLACE', `extension ${position} is of another round`, {
        ...{ position, height: payload.height, round: payload.round },
      });
    }
  }
}

function checkExtensionSignatures(
  committee: Committee,
  chain: ChainIdentity,
  extensions: readonly VoteExtension[],
): void {
  const signed = extensions.map(({ payload, validator, signature }) => {
    const index = committee.indexOf(validator);
    invariant(index !== undefined, 'the signer of an extension was found before');
    const { key } = memberAt(committee, index);
    return { key, message: extensionSignBytes(chain, payload), signature };
  });
  const [position] = findInvalidSignatures(committee.bls, signed);
  if (position === undefined) return;
  throw new ExtendedCommitError(
    'EXTENDED_COMMIT_SIGNATURE',
    `the signature of extension ${position} is bad`,
    {
      position,
    },
  );
}
