import { compareBytes, toHex } from '../protocol/bytes.js';
import type { ChainIdentity } from '../protocol/domains.js';
import { OgpuError } from '../protocol/errors.js';
import { MAX_BLOCK_EXTENSIONS } from '../protocol/limits.js';
import { extensionSignBytes } from '../protocol/sign-bytes.js';
import type { Commit } from '../protocol/types/commit.js';
import { voteExtensionCodec, type VoteExtension } from '../protocol/types/extension.js';
import { commitSigners } from './commit.js';
import { keyOf, type Committee } from './committee.js';
import { checkSignerExtensions } from './extended-commit.js';
import { findInvalidSignatures } from './signatures.js';

/*
 * Which vote extensions a block carries: first the extension of every signer of its parent's commit, ascending by validator; then late
 * ones, ascending by height and validator: of the parent's height or the one before, by members of the set of that height of whom no
 * extension of that height stands in this block or in its parent. Content is opaque and never judged here.
 */

/** What the extensions of a block depend on. Of a block above 1: the genesis has no votes. */
export interface ExtensionContext {
  /** Of the parent, as this block carries it. */
  readonly parentCommit: Commit;
  /** Decided the parent. */
  readonly parentCommittee: Committee;
  /** Decided the block before the parent; undefined when that is the genesis. */
  readonly grandparentCommittee: Committee | undefined;
  /** What the parent itself carries. */
  readonly parentExtensions: readonly VoteExtension[];
  /** The chain as active at a height, for sign-bytes. */
  readonly chainAt: (height: number) => ChainIdentity;
}

/** Extensions that a block may not carry. */
export class ExtensionsError extends OgpuError<
  | 'EXTENSIONS_TOO_MANY'
  | 'EXTENSIONS_HEIGHT'
  | 'EXTENSIONS_STRANGER'
  | 'EXTENSIONS_REPEATED'
  | 'EXTENSIONS_UNSORTED'
  | 'EXTENSIONS_SIGNATURE'
> {}

/**
 * Checks `body.parentExtensions` of a block.
 *
 * @param isVerified tells extensions whose signatures this node has verified before, byte for byte
 * @throws ExtensionsError; ExtendedCommitError for those of the signers; CommitError COMMIT_BITMAP_LENGTH
 */
export function checkExtensions(
  context: ExtensionContext,
  extensions: readonly VoteExtension[],
  isVerified: (extension: VoteExtension) => boolean = () => false,
): void {
  if (extensions.length > MAX_BLOCK_EXTENSIONS) {
    throw new ExtensionsError('EXTENSIONS_TOO_MANY', `at most ${MAX_BLOCK_EXTENSIONS} extensions`, {
      extensions: extensions.length,
    });
  }
  const signers = commitSigners(context.parentCommittee, context.parentCommit).length;
  const ofSigners = extensions.slice(0, signers);
  checkSignerExtensions(context.parentCommittee, context.parentCommit, ofSigners);
  checkLate(context, ofSigners, extensions.slice(signers));
  checkSignatures(
    context,
    extensions.filter((extension) => !isVerified(extension)),
  );
}

/**
 * What a proposal carries: all of the signers of its parent's commit and as many late ones as there is room for, of a validator's
 * several the one of the highest round.
 *
 * @param ofSigners of the extended commit of the parent
 * @param candidates verified ones of any height, in any order
 * @param maxLateBytes encoded bytes the late ones may take in the block
 */
export function chooseExtensions(
  context: ExtensionContext,
  ofSigners: readonly VoteExtension[],
  candidates: readonly VoteExtension[],
  maxLateBytes: number,
): VoteExtension[] {
  const taken = takenPlaces(context, ofSigners);
  const late: VoteExtension[] = [];
  let room = maxLateBytes;
  for (const candidate of [...candidates].sort(byPlaceThenNewest)) {
    if (ofSigners.length + late.length >= MAX_BLOCK_EXTENSIONS) break;
    const bytes = LIST_OFFSET_BYTES + voteExtensionCodec.encode(candidate).length;
    if (bytes > room || taken.has(placeOf(candidate)) || keyFor(context, candidate) === undefined) continue;
    taken.add(placeOf(candidate));
    late.push(candidate);
    room -= bytes;
  }
  return [...ofSigners, ...late];
}

/** What an SSZ list adds to each element of no fixed size. */
const LIST_OFFSET_BYTES = 4;

function checkLate(
  context: ExtensionContext,
  ofSigners: readonly VoteExtension[],
  late: readonly VoteExtension[],
): void {
  const taken = takenPlaces(context, ofSigners);
  for (const [position, extension] of late.entries()) {
    const { height } = extension.payload;
    const data = { position, height, validator: toHex(extension.validator) };
    if (committeeOf(context, height) === undefined) {
      throw new ExtensionsError('EXTENSIONS_HEIGHT', `no extension of height ${height} belongs here`, data);
    }
    if (keyFor(context, extension) === undefined) {
      throw new ExtensionsError('EXTENSIONS_STRANGER', `late extension ${position} is of no member`, data);
    }
    if (taken.has(placeOf(extension))) {
      throw new ExtensionsError('EXTENSIONS_REPEATED', `late extension ${position} is a second one`, data);
    }
    const before = late[position - 1];
    if (before !== undefined && byPlace(before, extension) >= 0) {
      throw new ExtensionsError(
        'EXTENSIONS_UNSORTED',
        'late extensions ascend by height and validator',
        data,
      );
    }
    taken.add(placeOf(extension));
  }
}

function checkSignatures(context: ExtensionContext, extensions: readonly VoteExtension[]): void {
  const signed = extensions.flatMap((extension) => {
    const { payload, signature } = extension;
    const key = keyFor(context, extension);
    const message = extensionSignBytes(context.chainAt(payload.height), payload);
    return key === undefined ? [] : [{ key, message, signature }];
  });
  const [index] = findInvalidSignatures(context.parentCommittee.bls, signed);
  const culprit = index === undefined ? undefined : extensions[index];
  if (culprit === undefined) return;
  const validator = toHex(culprit.validator);
  throw new ExtensionsError('EXTENSIONS_SIGNATURE', `the signature of an extension by ${validator} is bad`, {
    ...{ height: culprit.payload.height, validator },
  });
}

/** Of whom an extension is in this block already, or was in its parent. */
function takenPlaces(context: ExtensionContext, ofSigners: readonly VoteExtension[]): Set<string> {
  return new Set([...context.parentExtensions, ...ofSigners].map(placeOf));
}

/** Who said it about which height: one of each is enough. */
function placeOf({ payload, validator }: VoteExtension): string {
  return `${payload.height} ${toHex(validator)}`;
}

function byPlace(a: VoteExtension, b: VoteExtension): number {
  return a.payload.height - b.payload.height || compareBytes(a.validator, b.validator);
}

function byPlaceThenNewest(a: VoteExtension, b: VoteExtension): number {
  return byPlace(a, b) || b.payload.round - a.payload.round;
}

function keyFor(
  context: ExtensionContext,
  { payload, validator }: VoteExtension,
): Committee['keys'][number] | undefined {
  const committee = committeeOf(context, payload.height);
  return committee && keyOf(committee, validator);
}

function committeeOf(context: ExtensionContext, height: number): Committee | undefined {
  const { parentCommit, parentCommittee, grandparentCommittee } = context;
  if (height === parentCommit.height) return parentCommittee;
  return height === parentCommit.height - 1 ? grandparentCommittee : undefined;
}
