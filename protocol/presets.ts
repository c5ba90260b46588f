import { WEI_PER_OGPU } from './amounts.js';
import { PROTOCOL_VERSION, type ChainParams } from './params.js';

export const PRESET_NAMES = ['devnet', 'testnet', 'mainnet'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** A chain's number and its parameters at genesis. */
export interface Preset {
  readonly name: PresetName;
  /** EIP-155 chain id: 6478 spells OGPU on a telephone keypad, the last digit is the network. */
  readonly chainId: number;
  readonly params: ChainParams;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const GWEI = 10n ** 9n;

const mainnet: ChainParams = {
  consensus: {
    blockIntervalMinMs: 250,
    blockIntervalIdleMs: 10 * SECOND_MS,
    timeoutProposeMs: 1_000,
    timeoutProposeDeltaMs: 500,
    timeoutPrevoteMs: 500,
    timeoutPrevoteDeltaMs: 500,
    timeoutPrecommitMs: 500,
    timeoutPrecommitDeltaMs: 500,
    timestampPrecisionMs: 500,
    timestampDelayMs: 2_000,
    timestampDelayGrowthBps: 1_000,
    maxValidators: 150,
    evidenceMaxAgeMs: 13 * DAY_MS,
    evidenceMaxAgeBlocks: 100_000,
  },
  blocks: {
    maxBlockBytes: 4 * 1024 * 1024,
    maxTransactionBytes: 128 * 1024,
    gasLimit: 120_000_000,
    gasElasticity: 2,
    baseFeeChangeDenominator: 8,
    initialBaseFeeWei: GWEI,
    minBaseFeeWei: GWEI / 10n,
  },
  staking: {
    minSelfStakeWei: 10_000n * WEI_PER_OGPU,
    unbondingMs: 14 * DAY_MS,
    unbondingBlocks: 120_000,
    epochMs: DAY_MS,
    maxCommissionChangeBpsPerDay: 100,
    emissionBpsPerYear: 2_000,
    equivocationSlashBps: 500,
    finderRewardBps: 500,
    downtimeSlashBps: 1,
    downtimeWindowMs: HOUR_MS,
    downtimeMinBlocks: 300,
    downtimeMinSignedBps: 500,
    jailMs: 10 * MINUTE_MS,
  },
  jobs: {
    defaultSegments: 64,
    sampledSegments: 4,
    seatsPerSegment: 5,
    seedDelayBlocks: 8,
    maxAttempts: 3,
    claimWindowMs: 2 * SECOND_MS,
    sealWindowMs: 30 * SECOND_MS,
    revealWindowMs: 30 * SECOND_MS,
    unsealWindowMs: 10 * MINUTE_MS,
    publicationWindowMs: 10 * MINUTE_MS,
    bondPriceMultiple: 10,
    fullAuditValueWei: 1_000n * WEI_PER_OGPU,
    minSeats: 3,
    maxReseats: 2,
    windowBlocks: 20,
    releaseWindowMs: MINUTE_MS,
    abandonPenaltyBps: 10_000,
    compensationBps: 10_000,
    dissentPenaltyBps: 10_000,
    complaintPenaltyBps: 2_500,
    silencePenaltyBps: 20_000,
    falseVerdictPenaltyBps: 100_000,
    openDuties: 600,
    minCheckWei: WEI_PER_OGPU / 1_000_000n,
    commitWindowMs: MINUTE_MS,
    unitsPerMs: 100_000,
    retentionMs: 7 * DAY_MS,
    maxMarks: 16,
  },
  providers: {
    minLockupWei: 100n * WEI_PER_OGPU,
    unbondingMs: 7 * DAY_MS,
    unbondingBlocks: 60_000,
    drawCapBps: 3_000,
  },
  sources: {
    bondWei: 10n * WEI_PER_OGPU,
    bondPerByteWei: WEI_PER_OGPU / 1_000n,
    unbondingMs: 7 * DAY_MS,
    unbondingBlocks: 60_000,
    openBps: 7_500,
    closeBps: 6_700,
  },
  upgrades: [{ protocolVersion: PROTOCOL_VERSION, activationHeight: 0 }],
};

/** Mainnet's rules with times short enough to live through an unbonding in a test week. */
const testnet: ChainParams = {
  ...mainnet,
  consensus: { ...mainnet.consensus, evidenceMaxAgeMs: 23 * HOUR_MS, evidenceMaxAgeBlocks: 7_000 },
  staking: {
    ...mainnet.staking,
    minSelfStakeWei: 1_000n * WEI_PER_OGPU,
    unbondingMs: DAY_MS,
    unbondingBlocks: 8_000,
    epochMs: HOUR_MS,
  },
  providers: {
    ...mainnet.providers,
    minLockupWei: 10n * WEI_PER_OGPU,
    unbondingMs: 12 * HOUR_MS,
    unbondingBlocks: 4_000,
  },
  sources: { ...mainnet.sources, unbondingMs: 12 * HOUR_MS, unbondingBlocks: 4_000 },
};

/** One machine, one developer: everything due within minutes. */
const devnet: ChainParams = {
  ...mainnet,
  consensus: {
    ...mainnet.consensus,
    blockIntervalMinMs: 50,
    blockIntervalIdleMs: 5 * SECOND_MS,
    evidenceMaxAgeMs: 9 * MINUTE_MS,
    evidenceMaxAgeBlocks: 20,
  },
  staking: {
    ...mainnet.staking,
    minSelfStakeWei: 100n * WEI_PER_OGPU,
    unbondingMs: 10 * MINUTE_MS,
    unbondingBlocks: 25,
    epochMs: MINUTE_MS,
    downtimeWindowMs: MINUTE_MS,
    downtimeMinBlocks: 100,
    jailMs: 10 * SECOND_MS,
  },
  jobs: {
    ...mainnet.jobs,
    claimWindowMs: 500,
    sealWindowMs: 5 * SECOND_MS,
    revealWindowMs: 5 * SECOND_MS,
    unsealWindowMs: 30 * SECOND_MS,
    publicationWindowMs: 30 * SECOND_MS,
    minSeats: 1,
    windowBlocks: 5,
    releaseWindowMs: 5 * SECOND_MS,
    openDuties: 200,
    commitWindowMs: 20 * SECOND_MS,
    retentionMs: DAY_MS,
  },
  providers: {
    ...mainnet.providers,
    minLockupWei: WEI_PER_OGPU,
    unbondingMs: 5 * MINUTE_MS,
    unbondingBlocks: 12,
  },
  sources: {
    ...mainnet.sources,
    bondWei: WEI_PER_OGPU,
    unbondingMs: 5 * MINUTE_MS,
    unbondingBlocks: 12,
  },
};

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  devnet: { name: 'devnet', chainId: 64_782, params: devnet },
  testnet: { name: 'testnet', chainId: 64_781, params: testnet },
  mainnet: { name: 'mainnet', chainId: 64_780, params: mainnet },
};

/** Chain ids that belong to the live EVM network called OpenGPU, mainnet and testnet: never to be used here. */
export const FOREIGN_CHAIN_IDS: readonly number[] = [1071, 200_820_172_034];
