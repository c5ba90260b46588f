import { z } from 'zod';
import { fromHex } from '../../protocol/bytes.js';
import { parseAddress } from '../../protocol/address.js';
import { OPEN_PHASES } from '../../consensus/verification/attempt.js';

/*
 * What is read of a node's answers. The whole of them is described by `rpc.discover`; a client takes what it needs and lets the rest be.
 */

/** A number in hex. */
export const Quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(BigInt);

export const Wei = z
  .string()
  .regex(/^\d{1,40}$/)
  .transform(BigInt);

export const AddressAnswer = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform(parseAddress);
export const Bytes = z
  .string()
  .regex(/^0x(?:[0-9a-fA-F]{2})*$/)
  .transform((text) => fromHex(text));
const Height = z.number().int().min(0);
const Text = z.string().max(1_024);

export const Status = z.object({
  chainId: z.number().int(),
  genesisId: Bytes,
  clientVersion: Text,
  block: z.object({ height: Height, id: Text, timeMs: z.number(), ageMs: z.number() }),
  lowestHeight: Height,
  epoch: z.number(),
  validators: z.object({ active: z.number(), votingPower: z.number() }),
  validator: AddressAnswer.nullable(),
  syncing: z.object({ startingHeight: Height, highestHeight: Height }).nullable(),
  troubles: z.array(z.object({ code: Text, message: Text, cure: Text.nullable() })),
  peers: z.number(),
  mempool: z.object({ count: z.number(), sizeBytes: z.number() }),
});
export type Status = z.output<typeof Status>;

export const Peers = z.array(
  z.object({
    id: Text,
    address: Text,
    direction: z.enum(['inbound', 'outbound']),
    height: Height.nullable(),
    validator: AddressAnswer.nullable(),
  }),
);
export type Peers = z.output<typeof Peers>;

export const Validator = z.object({
  id: AddressAnswer,
  name: Text,
  operator: AddressAnswer,
  payout: AddressAnswer,
  blsPublicKey: Bytes,
  keyCount: z.number().int(),
  commissionBps: z.number(),
  stakeWei: Wei,
  selfStakeWei: Wei,
  votingPower: z.number(),
  status: z.enum(['active', 'waiting', 'jailed', 'tombstoned']),
  jailedUntilMs: z.number().nullable(),
});
export type Validator = z.output<typeof Validator>;

const next = z.string().max(1_024).nullable();
export const ValidatorPage = z.object({ validators: z.array(Validator), next });

export const Delegation = z.object({
  validator: AddressAnswer,
  delegator: AddressAnswer,
  stakeWei: Wei,
  rewardsWei: Wei,
});
export type Delegation = z.output<typeof Delegation>;
export const DelegationPage = z.object({ delegations: z.array(Delegation), next });

export const Unbonding = z.object({
  number: z.number().int(),
  validator: AddressAnswer,
  amountWei: Wei,
  dueMs: z.number(),
  dueHeight: Height,
});
export type Unbonding = z.output<typeof Unbonding>;
export const UnbondingPage = z.object({ unbondings: z.array(Unbonding), next });

export const JobAnswer = z.object({
  id: Text,
  phase: Text,
  reason: Text.nullable(),
  maxPriceWei: Wei,
  deadlineMs: z.number(),
  attempts: z.number().int(),
});
export type JobAnswer = z.output<typeof JobAnswer>;
export const JobPage = z.object({ jobs: z.array(JobAnswer), next });

export const JobExplanation = z.object({
  job: Text,
  phase: Text,
  reason: Text.nullable(),
  attempt: z
    .object({
      number: z.number().int(),
      phase: Text,
      ending: Text.nullable(),
      meaning: Text.nullable(),
      round: z.number().int(),
      provider: Text,
      priceWei: Wei,
      bondWei: Wei,
    })
    .nullable(),
  waitsFor: z.string(),
  voices: z.object({ waiting: z.array(Text), heard: z.number().int() }).nullable(),
  escrowWei: Wei,
  next: Text,
  due: z.object({ timeMs: z.number(), height: Height }).nullable(),
});
export type JobExplanation = z.output<typeof JobExplanation>;

const Voice = z.object({
  validator: Text,
  power: z.number(),
  status: Text,
  segments: z.array(z.number().int()),
  seal: Text.nullable(),
  answerRoot: Text.nullable(),
  disputed: z.number().int().nullable(),
});
const Voices = z.object({ voices: z.array(Voice) });
export const AuditAnswer = z.looseObject({
  provider: Text,
  phase: Text,
  ending: Text.nullable(),
  priceWei: Wei,
  bondWei: Wei,
  root: Text.nullable(),
  outputRoot: Text.nullable(),
  outputId: Text.nullable(),
  segments: z.array(z.number().int()),
  answers: z.array(Text),
  seats: z.array(Voice),
  escalation: Voices.nullable(),
  publication: Voices.nullable(),
});
export type AuditAnswer = z.output<typeof AuditAnswer>;

const Hash = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .transform((text) => fromHex(text));
const Count = z.int().min(0);
const Moment = z.object({ timeMs: Count, height: Height });
const Segmentation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rows'), count: Count }),
  z.object({ kind: z.literal('windows'), length: Count, hop: Count }),
  z.object({ kind: z.literal('tiles'), height: Count, width: Count, margin: Count }),
  z.object({ kind: z.literal('steps'), count: Count }),
]);

export const OfferAnswer = z.object({
  job: Hash,
  source: Hash,
  input: Hash,
  segmentation: Segmentation,
  maxPriceWei: Wei,
  bondWei: Wei,
  workUnits: z.string().max(80).transform(BigInt),
  memoryBytes: Count,
  isClaimable: z.boolean(),
  claim: z.object({ bondWei: Wei }).nullable(),
});
export const OfferPage = z.object({ offers: z.array(OfferAnswer), next });

const Subject = z.enum(['sealing', 'escalation', 'output']);
export const AssignmentAnswer = z.object({
  source: Hash,
  input: Hash,
  segmentation: Segmentation,
  terms: z.object({
    kind: z.enum(['batch', 'chain']),
    segments: Count,
    sampled: Count,
    seats: Count,
    full: z.boolean(),
    auditFeeWei: Wei,
    client: AddressAnswer,
    parties: z.array(AddressAnswer),
    inputId: Hash,
    judgeMs: Count,
    commitBy: Moment,
    releaseBy: Moment,
  }),
  audit: z.object({
    job: Hash,
    attempt: Count,
    provider: AddressAnswer,
    phase: z.enum(OPEN_PHASES),
    round: Count,
    deadline: Moment,
    priceWei: Wei,
    bondWei: Wei,
    root: Hash.nullable(),
    outputRoot: Hash.nullable(),
    outputId: Hash.nullable(),
    answers: z.array(Hash),
    segments: z.array(Count),
    uncovered: z.array(Count),
    seatTarget: Count,
    escalation: z.object({ segments: z.array(Count), tries: Count }).nullable(),
    publication: z.object({ subject: Subject }).nullable(),
  }),
  keyCommitment: Hash.nullable(),
  jobKey: Hash.nullable(),
  offered: z.array(Subject),
  published: z.array(Subject),
  publishedItems: z.array(Count),
});
export type AssignmentAnswer = z.output<typeof AssignmentAnswer>;
export const AssignmentPage = z.object({ assignments: z.array(AssignmentAnswer), next });

export const ProviderAnswer = z.object({
  id: Text,
  name: Text,
  status: z.enum(['active', 'draining', 'leaving']),
  mayClaim: z.boolean(),
  lockup: z.object({ totalWei: Wei, lockedWei: Wei, unbondingWei: Wei, freeWei: Wei }),
  withdrawals: z.array(z.object({ number: Count, amountWei: Wei, dueMs: Count, dueHeight: Height })),
  reputation: z.object({
    ...{ accepted: Count, rejected: Count, withheld: Count, abandoned: Count, inconclusive: Count },
    ...{ released: Count, earnedWei: Wei, slashedWei: Wei },
  }),
});
export type ProviderAnswer = z.output<typeof ProviderAnswer>;

export const SourceAnswer = z.object({
  id: Text,
  owner: Text,
  status: z.enum(['waiting', 'open', 'retired']),
  takesJobs: z.boolean(),
  kind: z.enum(['batch', 'chain']),
  weightsHash: Text,
  bondWei: Wei,
  openJobs: Count,
  capablePower: z.number(),
  totalPower: z.number(),
});
export type SourceAnswer = z.output<typeof SourceAnswer>;
export const SourcePage = z.object({ sources: z.array(SourceAnswer), next });
export const SourceGraphAnswer = z.object({ id: Hash, graph: Bytes });

export const Upgrades = z.object({
  upgrades: z.array(z.object({ protocolVersion: z.number().int(), activationHeight: Height })).min(1),
});

export const LatestBlock = z.object({ baseFeePerGas: Quantity });

export const Receipt = z.object({
  transactionHash: Text,
  blockNumber: Quantity,
  status: Quantity,
  gasUsed: Quantity,
  effectiveGasPrice: Quantity,
});
export type Receipt = z.output<typeof Receipt>;
