import type { Address } from '../../protocol/address.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { ChainParams } from '../../protocol/params.js';
import type { Attempt, Voice } from './attempt.js';
import { BPS } from './bond.js';
import { purseOf, type Funds, type Payment, type Purse } from './payment.js';
import { ENDING_REASONS, type EndingReason, type Mark } from './reasons.js';
import { agrees } from './tally.js';
import { checkWei } from './terms.js';

/** Who is paid and who pays when an attempt ends. docs/spec/audit.md, "Money". */
export interface Settlement {
  readonly payments: readonly Payment[];
  readonly marks: readonly MarkOf[];
}

export interface MarkOf {
  readonly validator: Address;
  readonly mark: Mark;
}

/** What decided, where the attempt alone does not tell. */
export interface Decision {
  readonly reason: EndingReason;
  /** What more than two thirds came to, of the escalated segments. */
  readonly answerRoot?: Uint8Array;
  /** Who brought the proof. */
  readonly finder?: Address;
}

/** Settles to the wei: an accepted attempt pays out bond and escrow, any other one the bond, and leaves the escrow to its job. */
export function settle(attempt: Attempt, decision: Decision, params: ChainParams): Settlement {
  const payments: Payment[] = [];
  switch (ENDING_REASONS[decision.reason].ending) {
    case 'ABANDONED':
      abandon(attempt, decision.reason, params, payments);
      return { payments, marks: [] };
    case 'INCONCLUSIVE':
      purseOf(payments, bondOf(attempt)).empty('provider');
      return { payments, marks: marksOf(faultsOf(attempt, decision, params)) };
    case 'ACCEPTED':
      return accept(attempt, decision, params);
    case 'REJECTED':
      return reject(attempt, decision, params);
  }
}

function abandon(attempt: Attempt, reason: EndingReason, params: ChainParams, payments: Payment[]): void {
  const { priceWei } = attempt.terms;
  const purse = purseOf(payments, bondOf(attempt));
  if (reason !== 'INPUT_UNAVAILABLE') {
    // Not to the client: whoever posts a job that cannot be done would earn by it.
    purse.pay('verifierPool', least(shareOf(priceWei, params.jobs.abandonPenaltyBps), purse.left()));
  }
  purse.empty('provider');
}

function accept(attempt: Attempt, decision: Decision, params: ChainParams): Settlement {
  const payments: Payment[] = [];
  const { priceWei, auditFeeWei } = attempt.terms;
  purseOf(payments, { from: 'escrow', wei: priceWei }).empty('provider');
  purseOf(payments, bondOf(attempt)).empty('provider');
  const fee = purseOf(payments, { from: 'escrow', wei: auditFeeWei });
  for (const seat of attempt.seats) {
    if (seat.status === 'revealed' && agrees(attempt, seat)) fee.pay(payeeOf(seat), payOf(attempt, seat));
  }
  const faults = faultsOf(attempt, decision, params);
  // All verifiers are paid by those who were wrong first, then with what absent seats did not earn: nobody earns by provoking an escalation.
  const unearnedWei = fee.left();
  const pot = purseOf(payments, ...penaltiesOf(faults), { from: 'escrow', wei: unearnedWei });
  payVoters(attempt, decision, pot);
  pot.pay('verifierPool', pot.left() - least(unearnedWei, pot.left()));
  pot.empty('client');
  return { payments, marks: marksOf(faults) };
}

function reject(attempt: Attempt, decision: Decision, params: ChainParams): Settlement {
  const payments: Payment[] = [];
  const faults = faultsOf(attempt, decision, params);
  const bond = purseOf(payments, bondOf(attempt));
  const { priceWei } = attempt.terms;
  bond.pay('client', least(shareOf(priceWei, params.jobs.compensationBps), bond.left()));
  const liars = faults.filter(({ mark }) => mark === 'FALSE_VERDICT').map(({ voice }) => voice);
  for (const seat of attempt.seats) {
    if (!hasWorked(attempt, seat, decision) || liars.includes(seat)) continue;
    bond.pay(payeeOf(seat), least(payOf(attempt, seat), bond.left()));
  }
  payVoters(attempt, decision, bond);
  payFinders(attempt, decision, bond, params);
  bond.empty('verifierPool');
  purseOf(payments, ...penaltiesOf(faults)).empty('verifierPool');
  return { payments, marks: marksOf(faults) };
}

/** Whether a seat has done its part: revealed, or sealed while there was no time to reveal, or not all of it. */
function hasWorked(attempt: Attempt, { status }: Voice, { reason }: Decision): boolean {
  if (status === 'revealed') return true;
  const hadToReveal = reason === 'FRAUD' || attempt.escalation !== undefined;
  return status === 'sealed' && !(hadToReveal || (reason === 'WITHHELD' && attempt.unsealed !== undefined));
}

/** Everybody of all verifiers who came to what was decided, alike, at most what as many checks are worth. */
function payVoters(attempt: Attempt, decision: Decision, purse: Purse): void {
  const { answerRoot } = decision;
  const voices = attempt.escalation?.voices ?? [];
  const right = voices.filter((voice) => answerRoot !== undefined && isRevealed(voice, answerRoot));
  const [first] = right;
  if (first === undefined) return;
  const each = least(payOf(attempt, first), purse.left() / BigInt(right.length));
  for (const voice of right) purse.pay(payeeOf(voice), each);
}

/** A share of what is left goes to who brought the proof, or to the seats that came to something else. */
function payFinders(attempt: Attempt, decision: Decision, bond: Purse, params: ChainParams): void {
  const share = shareOf(bond.left(), params.staking.finderRewardBps);
  const { reason, finder } = decision;
  if (reason === 'OUTPUT_MISMATCH' && finder !== undefined) bond.pay({ finder }, share);
  if (reason !== 'FRAUD') return;
  const dissenters = attempt.seats.filter((seat) => seat.status === 'revealed' && !agrees(attempt, seat));
  for (const seat of dissenters) bond.pay(payeeOf(seat), share / BigInt(dissenters.length));
}

interface FaultOf {
  readonly voice: Voice;
  readonly mark: Mark;
  readonly penaltyWei: bigint;
}

/** What each has done wrong. Where nothing was decided, nobody pays. */
function faultsOf(attempt: Attempt, decision: Decision, { jobs }: ChainParams): FaultOf[] {
  const bpsOf: Readonly<Partial<Record<Mark, number>>> = {
    DISSENT_LOST: jobs.dissentPenaltyBps,
    FALSE_UNAVAILABLE: jobs.complaintPenaltyBps,
    SILENT: jobs.silencePenaltyBps,
    FALSE_VERDICT: jobs.falseVerdictPenaltyBps,
  };
  const isDecided = ENDING_REASONS[decision.reason].ending !== 'INCONCLUSIVE';
  const fault = (voice: Voice, mark: Mark | undefined): FaultOf[] => {
    if (mark === undefined) return [];
    const penaltyWei = isDecided ? shareOf(payOf(attempt, voice), bpsOf[mark] ?? 0) : 0n;
    return [{ voice, mark, penaltyWei }];
  };
  return [
    ...attempt.seats.flatMap((seat) => fault(seat, markOfSeat(attempt, seat, decision))),
    ...(attempt.escalation?.voices ?? []).flatMap((voice) =>
      fault(voice, markOfVoter(attempt, voice, decision)),
    ),
  ];
}

function markOfSeat(attempt: Attempt, seat: Voice, decision: Decision): Mark | undefined {
  const { reason } = decision;
  switch (seat.status) {
    case 'absent':
      return 'ABSENT';
    case 'cannotJudge':
      return 'CANNOT_JUDGE';
    case 'unavailable':
      return reason === 'UPHELD' ? 'FALSE_UNAVAILABLE' : undefined;
    case 'sealed':
      return hasWorked(attempt, seat, decision) ? undefined : 'SILENT';
    case 'revealed':
      if (agrees(attempt, seat))
        return reason === 'FRAUD' && saw(attempt, seat) ? 'FALSE_VERDICT' : undefined;
      return reason === 'UPHELD' ? 'DISSENT_LOST' : undefined;
    default:
      return undefined;
  }
}

/** Whether a seat has judged all that was decided otherwise: only then it was surely wrong to agree. */
function saw({ escalation }: Attempt, { segments }: Voice): boolean {
  return (escalation?.segments ?? []).every((segment) => segments.includes(segment));
}

function markOfVoter(attempt: Attempt, voice: Voice, { answerRoot }: Decision): Mark | undefined {
  switch (voice.status) {
    case 'absent':
      return 'ABSENT';
    case 'cannotJudge':
      return 'CANNOT_JUDGE';
    case 'sealed':
      return answerRoot === undefined ? undefined : 'SILENT';
    case 'revealed':
      if (answerRoot === undefined || isRevealed(voice, answerRoot)) return undefined;
      return agrees(attempt, voice) ? 'FALSE_VERDICT' : 'DISSENT_LOST';
    default:
      return undefined;
  }
}

function isRevealed({ status, answerRoot }: Voice, expected: Uint8Array): boolean {
  return status === 'revealed' && answerRoot !== undefined && bytesEqual(answerRoot, expected);
}

function marksOf(faults: readonly FaultOf[]): MarkOf[] {
  return faults.map(({ voice, mark }) => ({ validator: voice.validator, mark }));
}

function penaltiesOf(faults: readonly FaultOf[]): Funds[] {
  return faults
    .filter(({ penaltyWei }) => penaltyWei > 0n)
    .map(({ voice, penaltyWei }) => ({ from: { stakeOf: voice.validator }, wei: penaltyWei }));
}

/** What judging its segments is worth. */
function payOf({ terms }: Attempt, { segments }: Voice): bigint {
  return checkWei(terms) * BigInt(segments.length);
}

function payeeOf({ validator }: Voice): { readonly validator: Address } {
  return { validator };
}

function bondOf({ terms }: Attempt): Funds {
  return { from: 'bond', wei: terms.bondWei };
}

function shareOf(wei: bigint, bps: number): bigint {
  return (wei * BigInt(bps)) / BPS;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
