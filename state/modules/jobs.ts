import { abiFunction } from '../../protocol/abi/signature.js';
import type { AbiFunction, AbiValue } from '../../protocol/abi/types.js';
import { toHex } from '../../protocol/bytes.js';
import { decodeSegmentation, segmentationWord } from '../../protocol/graph/segmentation.js';
import type { Opening } from '../../protocol/audit/commitment.js';
import { ENDING_REASONS } from '../../consensus/verification/reasons.js';
import { ERRORS, EVENTS, TERMS, TERMS_LIST } from '../jobs/abi.js';
import { knownJob, settle, tell } from '../jobs/advancing.js';
import { findAttempt, PHASES, SUBJECTS } from '../jobs/attempt.js';
import { claim } from '../jobs/claiming.js';
import { hearRecord } from '../jobs/hearing.js';
import { jobIdOf } from '../jobs/job.js';
import { readJudge } from '../jobs/judges.js';
import { cancel, post, type PostedTerms } from '../jobs/posting.js';
import { provide, publish } from '../jobs/providing.js';
import type { JobScope } from '../jobs/settling.js';
import { ERRORS as SOURCE_ERRORS } from '../sources/abi.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument, listArgument, uintArgument } from './arguments.js';
import { defineModule, Revert, type CallContext, type ModuleFunction } from './module.js';
import { stakingModule } from './staking.js';

/** Reading what verifiers of a source there are. */
const TALLY_GAS = 900_000;
/** A job that is posted: its record, its indices, its place in the queue. */
const POST_GAS = 150_000;
/** An attempt goes on, with all that may follow: draws, all verifiers asked, everybody paid. */
const MOVE_GAS = 2_000_000;
/** A pairing check. */
const SIGNATURE_GAS = 14_000_000;
/** Hashing and keeping one id of a state. */
const STATE_ID_GAS = 3_000;
const BRANCH_GAS = 1_500;

function withTerms(item: AbiFunction, terms: typeof TERMS): AbiFunction {
  return { ...item, inputs: [terms, ...item.inputs] };
}

const clientFunctions: readonly ModuleFunction[] = [
  {
    item: withTerms(abiFunction('post() payable returns (bytes32 job)'), TERMS),
    notice:
      'Posts a job of the caller with price and audit fee as escrow; the same key again is the same job, and what is not needed comes back.',
    gas: TALLY_GAS + POST_GAS,
    run: (call, values) =>
      post(scopeOf(call), call.caller, [termsFrom(listArgument(values, 0))], call.valueWei),
  },
  {
    item: withTerms(abiFunction('postBatch() payable returns (bytes32[] jobs)'), TERMS_LIST),
    notice: 'Posts many jobs at once, as post does: all of them or none.',
    gas: 0,
    gasOfArguments: (values) => {
      const list = listArgument(values, 0).map((_, index, all) => termsFrom(listArgument(all, index)));
      const sources = new Set(list.map(({ source }) => toHex(source)));
      return sources.size * TALLY_GAS + list.length * POST_GAS;
    },
    run: (call, values) => {
      const list = listArgument(values, 0).map((_, index, all) => termsFrom(listArgument(all, index)));
      return [post(scopeOf(call), call.caller, list, call.valueWei)];
    },
  },
  {
    item: abiFunction('cancel(bytes32 job)'),
    notice: 'Takes a job of the caller back that nobody works on: the whole escrow returns.',
    gas: 200_000,
    run: (call, values) => {
      cancel(scopeOf(call), bytesArgument(values, 0), call.caller);
      return [];
    },
  },
];

const providerFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction('claim(bytes32 job, uint256 priceWei)'),
    notice:
      'The provider of the caller wants a job for this price in wei; claims are collected, then one is drawn.',
    gas: TALLY_GAS + 200_000,
    run: (call, values) => {
      claim(scopeOf(call), bytesArgument(values, 0), call.caller, uintArgument(values, 1));
      return [];
    },
  },
  {
    item: abiFunction('release(bytes32 job)'),
    notice: 'Gives a job back: without loss while the release window is open, for a missing input.',
    gas: 300_000,
    run: (call, values) => {
      provide(scopeOf(call), bytesArgument(values, 0), call.caller, { kind: 'release' });
      return [];
    },
  },
  {
    item: abiFunction(
      'commit(bytes32 job, bytes32 root, bytes32 keyCommitment, bytes32 inputId, bytes32 inputSalt, bytes32[] inputBranch)',
    ),
    notice:
      'Commits to a result; of a chain with leaf 0, its input, laid open, else with zeros and no branch.',
    gas: 300_000,
    gasOfArguments: (values) => BRANCH_GAS * listArgument(values, 5).length,
    run: (call, values) => {
      const branch = hashesFrom(values, 5);
      const opening: Opening = { stateId: bytesArgument(values, 3), salt: bytesArgument(values, 4), branch };
      provide(scopeOf(call), bytesArgument(values, 0), call.caller, {
        kind: 'commit',
        ...{ root: bytesArgument(values, 1), keyCommitment: bytesArgument(values, 2), input: opening },
      });
      return [];
    },
  },
  {
    item: abiFunction(
      'unseal(bytes32 job, bytes32 jobKey, bytes32 outputRoot, bytes32 outputId, bytes32[] answers, bytes32[][] branches)',
    ),
    notice:
      'Lays open what is judged: the job key, the root of the output, the blob that holds it, and content ids of what segments come to.',
    gas: MOVE_GAS,
    gasOfArguments: (values) => {
      const branches = listArgument(values, 5).map((_, index, all) => listArgument(all, index).length);
      const siblings = branches.reduce((sum, length) => sum + length, 0);
      return STATE_ID_GAS * listArgument(values, 4).length + BRANCH_GAS * siblings;
    },
    run: (call, values) => {
      const branches = listArgument(values, 5).map((_, index, all) => hashesFrom(all, index));
      provide(scopeOf(call), bytesArgument(values, 0), call.caller, {
        kind: 'unseal',
        ...{ jobKey: bytesArgument(values, 1), outputRoot: bytesArgument(values, 2) },
        ...{ outputId: bytesArgument(values, 3), answers: hashesFrom(values, 4), branches },
      });
      return [];
    },
  },
  {
    item: abiFunction('publish(bytes32 job, uint16 item, bytes data, bytes32 salt, bytes32[] branch)'),
    notice:
      'Puts one piece of what verifiers miss on the chain: an input, a state or a piece of the output; with the last one all goes on.',
    gas: MOVE_GAS,
    gasOfArguments: (values) =>
      BRANCH_GAS * listArgument(values, 4).length + 2 * bytesArgument(values, 2).length,
    run: (call, values) => {
      const proof = { salt: bytesArgument(values, 3), branch: hashesFrom(values, 4) };
      const [id, item] = [bytesArgument(values, 0), Number(uintArgument(values, 1))];
      publish(scopeOf(call), id, call.caller, item, bytesArgument(values, 2), proof);
      return [];
    },
  },
];

const everybodysFunctions: readonly ModuleFunction[] = [
  {
    item: abiFunction('prove(bytes32 job, bytes32[] stateIds)'),
    notice:
      'Proves that the output of a batch is not what was committed to; the finder has a share of the bond.',
    gas: MOVE_GAS,
    gasOfArguments: (values) => STATE_ID_GAS * listArgument(values, 1).length,
    run: (call, values) => {
      const proof = { kind: 'proof', stateIds: hashesFrom(values, 1), finder: call.caller } as const;
      tell(scopeOf(call), bytesArgument(values, 0), proof);
      return [];
    },
  },
  {
    item: abiFunction('submitRecord(bytes record)'),
    notice: 'Brings the signed entry of a validator, so that no proposer can leave it out.',
    gas: SIGNATURE_GAS + MOVE_GAS,
    run: (call, values) => {
      hearRecord(scopeOf(call), bytesArgument(values, 0));
      return [];
    },
  },
  {
    item: abiFunction('settle(bytes32 job)'),
    notice: 'Does now what is due; without it the chain does it by itself.',
    gas: MOVE_GAS,
    run: (call, values) => {
      settle(scopeOf(call), bytesArgument(values, 0));
      return [];
    },
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: abiFunction('jobId(address client, bytes32 key) view returns (bytes32 job)'),
    notice: 'The id of the job a client has posted or will post under a key.',
    gas: 3_000,
    run: ({ block }, values) => [
      jobIdOf(block.identity.chainId, bytesArgument(values, 0), bytesArgument(values, 1)),
    ],
  },
  {
    item: abiFunction(
      'job(bytes32 id) view returns (address client, bytes32 source, bytes32 input, bytes32 inputId, bytes32 segmentation, uint16 segments, uint8 phase, uint8 reason, uint8 attempts, uint256 maxPriceWei, uint256 auditFeeWei, uint256 valueWei, uint256 escrowWei, uint64 dueMs, uint64 dueHeight)',
    ),
    notice:
      'A job: phase 0 open, 1 assigned, 2 settled, 3 refunded, 4 cancelled, 5 expired; and when it settles itself, at a time in Unix milliseconds and a height.',
    gas: 20_000,
    run: (call, values) => {
      const job = knownJob(call, bytesArgument(values, 0));
      const { client, source, input, inputId } = job;
      const segmentation = segmentationWord(decodeSegmentation(job.segmentation));
      const amounts = [job.maxPriceWei, job.auditFeeWei, job.valueWei, job.escrowWei];
      const counts = [job.segments, job.phase, job.reason, job.attempts].map(BigInt);
      const due = [BigInt(job.dueMs), BigInt(job.dueHeight)];
      return [client, source, input, inputId, segmentation, ...counts, ...amounts, ...due];
    },
  },
  {
    item: abiFunction('claims(bytes32 id) view returns (address[] providers, uint256[] pricesWei)'),
    notice: 'Who wants a job, and for what price in wei.',
    gas: 20_000,
    run: (call, values) => {
      const { claims } = knownJob(call, bytesArgument(values, 0));
      return [claims.map(({ provider }) => provider), claims.map(({ priceWei }) => priceWei)];
    },
  },
  {
    item: abiFunction(
      'attempt(bytes32 id, uint8 number) view returns (address provider, uint8 phase, uint8 reason, uint8 round, uint256 priceWei, uint256 bondWei, bytes32 root, bytes32 keyCommitment, uint64 deadlineMs, uint64 deadlineHeight)',
    ),
    notice:
      'An attempt: phases 0 claimed to 7 publishing as in AttemptMoved, then 8 accepted, 9 rejected, 10 abandoned, 11 inconclusive.',
    gas: 100_000,
    run: (call, values) => {
      const { terms, phase, ending, round, commitment, deadline } = knownAttempt(call, values);
      const reason = ending === undefined ? 0n : BigInt(ENDING_REASONS[ending].number);
      return [
        ...[
          terms.provider,
          BigInt(PHASES.indexOf(phase)),
          reason,
          BigInt(round),
          terms.priceWei,
          terms.bondWei,
        ],
        ...[commitment?.root ?? ZERO, commitment?.keyCommitment ?? ZERO],
        ...[BigInt(deadline.timeMs), BigInt(deadline.height)],
      ];
    },
  },
  {
    item: abiFunction(
      'audit(bytes32 id, uint8 number) view returns (uint16[] segments, uint16 seatTarget, address[] seats, uint8[] rounds, uint16[] uncovered, uint16[] escalated, uint8 publication)',
    ),
    notice:
      'Who judges which segments: seats with their rounds, and what all verifiers judge; publication 0 none, 1 for sealing, 2 in an escalation, 3 of the output.',
    gas: 200_000,
    run: (call, values) => {
      const { segments, seatTarget, seats, uncovered, escalation, publication } = knownAttempt(call, values);
      return [
        ...[segments.map(BigInt), BigInt(seatTarget), seats.map(({ validator }) => validator)],
        ...[seats.map(({ round }) => BigInt(round)), uncovered.map(BigInt)],
        (escalation?.segments ?? []).map(BigInt),
        publication === undefined ? 0n : BigInt(SUBJECTS.indexOf(publication.subject) + 1),
      ];
    },
  },
  {
    item: abiFunction(
      'verifier(address validator) view returns (uint32 owed, uint32 jobs, uint64 suspendedHeight, uint32[6] marks)',
    ),
    notice: 'What a validator owes audits, and its marks as they are numbered in Marked.',
    gas: 20_000,
    run: ({ state }, values) => {
      const judge = readJudge(state, bytesArgument(values, 0));
      const { dissentsLost, falselyUnavailable, silent, falseVerdicts, absent, cannotJudge } = judge;
      const marks = [dissentsLost, falselyUnavailable, silent, falseVerdicts, absent, cannotJudge].map(
        BigInt,
      );
      return [BigInt(judge.owed), BigInt(judge.jobs), BigInt(judge.suspendedHeight), marks];
    },
  },
];

export const jobsModule = defineModule({
  name: 'jobs',
  address: MODULE_ADDRESSES.jobs,
  functions: [...clientFunctions, ...providerFunctions, ...everybodysFunctions, ...views],
  events: Object.values(EVENTS),
  errors: [...Object.values(ERRORS), SOURCE_ERRORS.UnknownSource],
});

const ZERO = new Uint8Array(32);

function scopeOf(call: CallContext): JobScope {
  const { state, block, emit, emitAs } = call;
  return { state, block, emit, emitStaking: emitAs(stakingModule) };
}

function hashesFrom(values: readonly AbiValue[], index: number): Uint8Array[] {
  return listArgument(values, index).map((_, at, list) => bytesArgument(list, at));
}

/** @throws Revert UnknownJob | JobForgotten | NoAttempt */
function knownAttempt(
  call: CallContext,
  values: readonly AbiValue[],
): NonNullable<ReturnType<typeof findAttempt>> {
  const [id, number] = [bytesArgument(values, 0), Number(uintArgument(values, 1))];
  const found = findAttempt(call.state, call.block.identity.chainId, id, knownJob(call, id), number);
  if (found === undefined) throw new Revert(ERRORS.NoAttempt, [id, BigInt(number)]);
  return found;
}

function termsFrom(values: readonly AbiValue[]): PostedTerms {
  return {
    source: bytesArgument(values, 0),
    input: bytesArgument(values, 1),
    inputId: bytesArgument(values, 2),
    key: bytesArgument(values, 3),
    segmentation: bytesArgument(values, 4),
    segments: Number(uintArgument(values, 5)),
    sampled: Number(uintArgument(values, 6)),
    full: values[7] === true,
    maxPriceWei: uintArgument(values, 8),
    auditFeeWei: uintArgument(values, 9),
    valueWei: uintArgument(values, 10),
    quoteUntilMs: uintArgument(values, 11),
    deadlineMs: uintArgument(values, 12),
  };
}
