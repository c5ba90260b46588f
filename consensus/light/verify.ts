import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { bls as defaultBls } from '../../protocol/crypto/bls.js';
import type { Commit } from '../../protocol/types/commit.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { CommitError, verifyCommit } from '../commit.js';
import { memberAt, type Committee } from '../committee.js';
import { exceedsOneThird } from '../power.js';
import { LightError } from './errors.js';
import { checkPossession, provenCommittee, servedCommittee, type KeyPossession } from './proven-set.js';
import type { LightOptions, TrustedHeader, TrustPoint } from './trust.js';

/** What a light client is served of a height. */
export interface LightBlock {
  readonly header: Header;
  /** Of this very header. */
  readonly commit: Commit;
  /** Of `header.validatorsHash`. */
  readonly validators: ValidatorSet;
  /** Of `header.nextValidatorsHash`. */
  readonly nextValidators: ValidatorSet;
  /** For every key in either set that the client may not know. */
  readonly possessions: readonly KeyPossession[];
}

/**
 * Believes a header because of one believed before. The next height must be decided by exactly the validators that were to decide it. For
 * a later one more than a third of the power of those validators must have signed, of whom at least one is correct, and more than two
 * thirds of its own set.
 *
 * @param nowMs Unix milliseconds
 * @throws LightError; `shouldBisect` says when a header in between may help
 */
export function verifyHeader(
  trusted: TrustPoint,
  untrusted: LightBlock,
  nowMs: number,
  options: LightOptions,
): TrustedHeader {
  const { header, commit, validators, nextValidators, possessions } = untrusted;
  const { bls = defaultBls } = options;
  checkTimes(trusted, header, nowMs, options);
  checkChain(trusted, header, options);
  const { nextCommittee: expected } = trusted;
  const isNext = header.height === trusted.height + 1;
  if (isNext && !bytesEqual(header.validatorsHash, expected.hash)) {
    throw new LightError('LIGHT_SET_UNEXPECTED', 'others decided this height than were to decide it', {
      ...{ height: header.height, expected: toHex(expected.hash), named: toHex(header.validatorsHash) },
    });
  }
  const known = { bls, known: [expected] };
  const committee = servedCommittee(validators, header.validatorsHash, known);
  if (!isNext) checkOverlap(expected, committee, commit);
  checkPossession(committee, possessions, known);
  checkCommit(committee, untrusted, options);
  const nextCommittee = provenCommittee(nextValidators, header.nextValidatorsHash, possessions, {
    bls,
    known: [expected, committee],
  });
  return { height: header.height, timeMs: header.timeMs, nextCommittee, header };
}

function checkTimes(
  trusted: TrustPoint,
  { height, timeMs }: Header,
  nowMs: number,
  { trustingPeriodMs, maxClockDriftMs }: LightOptions,
): void {
  if (trusted.timeMs + trustingPeriodMs <= nowMs) {
    throw new LightError(
      'LIGHT_TRUST_EXPIRED',
      `the header of height ${trusted.height} is too old to be trusted`,
      {
        ...{ height: trusted.height, timeMs: trusted.timeMs, trustingPeriodMs, nowMs },
      },
    );
  }
  if (timeMs <= trusted.timeMs) {
    throw new LightError('LIGHT_TIME', 'a later header has a later time', {
      ...{ height, timeMs, trustedTimeMs: trusted.timeMs },
    });
  }
  if (timeMs > nowMs + maxClockDriftMs) {
    throw new LightError('LIGHT_FROM_FUTURE', `the header of height ${height} is from the future`, {
      ...{ height, timeMs, nowMs, maxClockDriftMs },
    });
  }
}

function checkChain(
  trusted: TrustPoint,
  { height, chainId, protocolVersion }: Header,
  { chainAt }: LightOptions,
): void {
  if (height <= trusted.height) {
    throw new LightError('LIGHT_HEIGHT', `height ${height} is not above ${trusted.height}`, { height });
  }
  const chain = chainAt(height);
  if (chainId !== chain.chainId || protocolVersion !== chain.protocolVersion) {
    throw new LightError('LIGHT_CHAIN', 'the header is of another chain or version', {
      ...{ height, chainId, protocolVersion },
    });
  }
}

/** Counts the power, as it was trusted, of those who signed with the key that was trusted. */
function checkOverlap(expected: Committee, { set }: Committee, { height, signers }: Commit): void {
  let power = 0;
  for (const [index, { id, blsPublicKey }] of set.entries()) {
    const place = expected.indexOf(id);
    if (place === undefined || index >= signers.bitLen || !signers.get(index)) continue;
    const member = memberAt(expected, place);
    if (bytesEqual(member.blsPublicKey, blsPublicKey)) power += member.votingPower;
  }
  if (exceedsOneThird(power, expected.totalPower)) return;
  throw new LightError(
    'LIGHT_TRUST_INSUFFICIENT',
    `too few of the trusted validators signed height ${height}`,
    {
      ...{ height, power, totalPower: expected.totalPower },
    },
  );
}

function checkCommit(committee: Committee, { header, commit }: LightBlock, { chainAt }: LightOptions): void {
  const { height } = header;
  try {
    verifyCommit(committee, chainAt(height), commit, { height, blockId: blockId(header) });
  } catch (error) {
    if (!(error instanceof CommitError)) throw error;
    const data = { height, reason: error.code };
    throw new LightError('LIGHT_COMMIT', `height ${height} was not decided so`, data, { cause: error });
  }
}
