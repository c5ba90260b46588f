import { OgpuError } from './errors.js';
import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES, MAX_VALIDATORS } from './limits.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from './amounts.js';

const YEAR_MS = 365 * 24 * 3_600_000;
const MAX_SPAN_BLOCKS = 10_000_000;

/**
 * Chain parameters: everything all nodes of one chain must agree on and that is not code. They stand in the genesis document
 * and later in the state. One table gives each its range and meaning; types, validation, encoding and documents follow from it.
 */
export const PARAMETERS = {
  consensus: {
    blockIntervalMinMs: count(
      0,
      60_000,
      'A height with work starts no sooner than this after the last block.',
    ),
    blockIntervalIdleMs: count(
      100,
      3_600_000,
      'Without any work a height starts this long after the last block.',
    ),
    timeoutProposeMs: count(50, 600_000, 'Wait for a proposal in round 0.'),
    timeoutProposeDeltaMs: count(1, 600_000, 'Added to the wait for a proposal with every round.'),
    timeoutPrevoteMs: count(50, 600_000, 'Wait after +2/3 prevotes of any kind in round 0.'),
    timeoutPrevoteDeltaMs: count(1, 600_000, 'Added to the prevote wait with every round.'),
    timeoutPrecommitMs: count(50, 600_000, 'Wait after +2/3 precommits of any kind in round 0.'),
    timeoutPrecommitDeltaMs: count(1, 600_000, 'Added to the precommit wait with every round.'),
    timestampPrecisionMs: count(1, 60_000, 'Clock difference between honest validators that is tolerated.'),
    timestampDelayMs: count(1, 600_000, 'Longest delay of a timely proposal in round 0.'),
    timestampDelayGrowthBps: count(1, 100_000, 'Growth of that delay with every round, in 1/10,000.'),
    maxValidators: count(1, MAX_VALIDATORS, 'Size of the active set: the top by stake.'),
    evidenceMaxAgeMs: count(
      1_000,
      YEAR_MS,
      'Evidence older than this and than evidenceMaxAgeBlocks is refused; must be shorter than unbonding.',
    ),
    evidenceMaxAgeBlocks: count(
      1,
      MAX_SPAN_BLOCKS,
      'Evidence stays acceptable for so many blocks, however long a halt lasts; must be fewer than for unbonding.',
    ),
  },
  blocks: {
    maxBlockBytes: count(64 * 1024, MAX_BLOCK_BYTES, 'Largest encoded block.'),
    maxTransactionBytes: count(1024, MAX_TRANSACTION_BYTES, 'Largest transaction envelope.'),
    gasLimit: count(1_000_000, 10 ** 12, 'Gas in one block.'),
    gasElasticity: count(1, 64, 'The gas target is the gas limit divided by this (EIP-1559).'),
    baseFeeChangeDenominator: count(2, 10_000, 'Bounds the base fee change per block to 1/this (EIP-1559).'),
    initialBaseFeeWei: wei(1n, WEI_PER_OGPU, 'Base fee of block 1.'),
    minBaseFeeWei: wei(1n, WEI_PER_OGPU, 'The base fee never falls below.'),
  },
  staking: {
    minSelfStakeWei: wei(1n, TOTAL_SUPPLY_WEI, 'Own stake a validator needs to be active.'),
    unbondingMs: count(1_000, YEAR_MS, 'Withdrawn stake stays slashable at least this long,'),
    unbondingBlocks: count(1, MAX_SPAN_BLOCKS, 'and for so many blocks, however long a halt lasts.'),
    epochMs: count(1_000, YEAR_MS, 'The active set and rewards change at epoch boundaries.'),
    maxCommissionChangeBpsPerDay: count(0, 10_000, 'Bound on the daily change of a commission.'),
    emissionBpsPerYear: count(0, 10_000, 'Share of the remaining reserve paid to validators per year.'),
    equivocationSlashBps: count(1, 10_000, 'Share of the stake lost for a signed contradiction.'),
    downtimeSlashBps: count(
      0,
      1_000,
      'Share of the stake lost for downtime: small, since the same stake can be at fault again.',
    ),
    finderRewardBps: count(
      0,
      10_000,
      'Share of slashed stake, after the harmed party, for who brought the proof.',
    ),
    downtimeWindowMs: count(1_000, YEAR_MS, 'Signing is counted over windows of this length.'),
    downtimeMinBlocks: count(1, 10_000_000, 'A window with fewer blocks punishes nobody.'),
    downtimeMinSignedBps: count(0, 10_000, 'Share of the blocks of a window a validator must sign.'),
    jailMs: count(1_000, YEAR_MS, 'Shortest stay in jail for downtime.'),
  },
  jobs: {
    defaultSegments: count(1, 65_535, 'Segments a job is cut into unless it says otherwise (n).'),
    sampledSegments: count(1, 65_535, 'Segments drawn for re-execution (k).'),
    seatsPerSegment: count(1, MAX_VALIDATORS, 'Validators that re-execute each sampled segment (c).'),
    seedDelayBlocks: count(1, 10_000, 'Blocks between a commit and the beacon that draws its sample (Δ).'),
    maxAttempts: count(1, 255, 'Attempts before a job is refunded.'),
    claimWindowMs: count(100, YEAR_MS, 'Claims are collected this long, then one is drawn.'),
    sealWindowMs: count(
      100,
      YEAR_MS,
      'Shortest time for seats to re-execute and seal; metered work is added.',
    ),
    revealWindowMs: count(100, YEAR_MS, 'Time for sealed seats to reveal.'),
    unsealWindowMs: count(100, YEAR_MS, 'Time for the provider to unseal; an honest restart must fit.'),
    publicationWindowMs: count(100, YEAR_MS, 'Time to publish data that seats call unavailable.'),
    bondPriceMultiple: count(1, 10_000, 'A bond is at least this many times the price.'),
    fullAuditValueWei: wei(0n, TOTAL_SUPPLY_WEI, 'From this declared value on every segment is audited.'),
    minSeats: count(1, MAX_VALIDATORS, 'With fewer verifiers to draw from nothing is judged.'),
    maxReseats: count(0, 16, 'Draws that replace silent seats, before all verifiers judge.'),
    windowBlocks: count(1, 10_000, 'Blocks every window lasts at least, so that a halt expires nothing.'),
    releaseWindowMs: count(100, YEAR_MS, 'After a claim, a missing input can be reported without loss.'),
    abandonPenaltyBps: count(0, 100_000, 'Lost by a claim without a commit, in 1/10,000 of the price.'),
    compensationBps: count(0, 100_000, 'Paid to the client of a fraud, in 1/10,000 of the price.'),
    dissentPenaltyBps: count(0, 10_000, 'Lost by a dissent that was wrong, in 1/10,000 of the seat’s pay.'),
    complaintPenaltyBps: count(
      0,
      10_000,
      'Lost by who called data unavailable that all could judge, in 1/10,000 of the seat’s pay.',
    ),
    silencePenaltyBps: count(
      0,
      1_000_000,
      'Lost by a seal that is not revealed, in 1/10,000 of the seat’s pay.',
    ),
    falseVerdictPenaltyBps: count(
      0,
      1_000_000,
      'Lost by who confirmed a fraud, in 1/10,000 of the seat’s pay.',
    ),
    minCheckWei: wei(0n, TOTAL_SUPPLY_WEI, 'Least pay for the re-execution of one segment by one seat.'),
    commitWindowMs: count(100, YEAR_MS, 'Shortest time for a provider to commit; metered work is added.'),
    unitsPerMs: count(1, 10 ** 9, 'Metered units a slow verifier does in a millisecond: sets windows.'),
    retentionMs: count(1_000, YEAR_MS, 'A job that has ended can be read for so long, then it is forgotten.'),
    maxMarks: count(1, 65_535, 'Faults in an epoch after which a validator is given no seats.'),
    openDuties: count(1, 65_535, 'Entries a validator may owe at one time: more seats it is not given.'),
  },
  providers: {
    minLockupWei: wei(1n, TOTAL_SUPPLY_WEI, 'Lockup a provider needs to register and to claim.'),
    unbondingMs: count(1_000, YEAR_MS, 'Withdrawn lockup stays slashable at least this long,'),
    unbondingBlocks: count(1, MAX_SPAN_BLOCKS, 'and for so many blocks, however long a halt lasts.'),
    drawCapBps: count(1, 10_000, 'Largest chance of one provider among the claims of a job, in 1/10,000.'),
  },
  sources: {
    bondWei: wei(0n, TOTAL_SUPPLY_WEI, 'Bond of a registered program,'),
    bondPerByteWei: wei(0n, WEI_PER_OGPU, 'and more for each byte of its graph, which the state keeps.'),
    unbondingMs: count(1_000, YEAR_MS, 'After retirement and its last job a bond stays at least this long,'),
    unbondingBlocks: count(1, MAX_SPAN_BLOCKS, 'and for so many blocks, however long a halt lasts.'),
    openBps: count(5_001, 10_000, 'Share of verifier power that must be able to run a source to open it.'),
    closeBps: count(5_000, 10_000, 'Below this share a source closes.'),
  },
} as const satisfies ParameterTable;

/** A protocol version and the height from which it rules. */
export interface Upgrade {
  readonly protocolVersion: number;
  readonly activationHeight: number;
}

/** Typed values of `PARAMETERS`, and the schedule of protocol versions. */
export type ChainParams = {
  readonly [Group in ParameterGroup]: {
    readonly [Name in keyof (typeof PARAMETERS)[Group]]: (typeof PARAMETERS)[Group][Name] extends WeiSpec
      ? bigint
      : number;
  };
} & {
  /** Ascending by height and version; the first rules from height 0. */
  readonly upgrades: readonly Upgrade[];
};

export interface CountSpec {
  readonly kind: 'count';
  readonly min: number;
  readonly max: number;
  readonly meaning: string;
}

export interface WeiSpec {
  readonly kind: 'wei';
  readonly min: bigint;
  readonly max: bigint;
  readonly meaning: string;
}

export type ParameterSpec = CountSpec | WeiSpec;
export type ParameterGroup = 'consensus' | 'blocks' | 'staking' | 'jobs' | 'providers' | 'sources';
type ParameterTable = Readonly<Record<ParameterGroup, Readonly<Record<string, ParameterSpec>>>>;

/** Protocol version this code implements. */
export const PROTOCOL_VERSION = 1;

export class ParamsError extends OgpuError<'PARAMS_INVALID' | 'PROTOCOL_UNKNOWN'> {}

/** The version whose rules decide `height`. */
export function protocolVersionAt(params: ChainParams, height: number): number {
  const active = params.upgrades.findLast((upgrade) => upgrade.activationHeight <= height);
  if (active === undefined) {
    throw new ParamsError('PROTOCOL_UNKNOWN', `no protocol version is active at height ${height}`, {
      height,
    });
  }
  return active.protocolVersion;
}

function count(min: number, max: number, meaning: string): CountSpec {
  return { kind: 'count', min, max, meaning };
}

function wei(min: bigint, max: bigint, meaning: string): WeiSpec {
  return { kind: 'wei', min, max, meaning };
}
