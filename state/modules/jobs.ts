import { abiFunction } from '../../protocol/abi/signature.js';
import type { AbiFunction, AbiValue } from '../../protocol/abi/types.js';
import { invariant } from '../../protocol/invariant.js';
import { ENDING_REASONS } from '../../consensus/verification/reasons.js';
import { actAsProvider, proveMismatch, publish, unseal } from '../jobs/acting.js';
import { ERRORS, EVENTS, ORDER, ORDERS } from '../jobs/abi.js';
import { ATTEMPT_PHASES, attempts } from '../jobs/attempt-record.js';
import { bondOf, claim } from '../jobs/claiming.js';
import { hearRecord } from '../jobs/hearing.js';
import { claimsOf } from '../jobs/job.js';
import { knownJob } from '../jobs/keeping.js';
import { settleDue } from '../jobs/life.js';
import { cancel, postAll, type Order } from '../jobs/posting.js';
import type { JobScope } from '../jobs/scope.js';
import { standingOf } from '../jobs/verifier-standing.js';
import { MODULE_ADDRESSES } from './addresses.js';
import { bytesArgument, listArgument, uintArgument } from './arguments.js';
import { defineModule, Revert, type CallContext, type ModuleFunction } from './module.js';
import { sourcesModule } from './sources.js';
import { stakingModule } from './staking.js';

/** Checks the cut of an order and writes the job. */
const ORDER_GAS = 500_000;
/** Reads verifiers; the rules may draw seats among all of them and pay each. */
const EVENT_GAS = 1_500_000;
const BYTE_GAS = 60;
const HASH_GAS = 2_000;

/** As `abiFunction`, with a struct as its only input. */
function withInput(item: AbiFunction, input: typeof ORDER): AbiFunction {
  return { ...item, inputs: [input] };
}

const client: readonly ModuleFunction[] = [
  {
    item: withInput(abiFunction('post() payable returns (bytes32 job)'), ORDER),
    notice:
      'Posts a job: price and audit fee go into escrow, what is sent beyond them comes back. The same key again is the same job.',
    gas: ORDER_GAS,
    run: (call, values) => {
      const [id] = postAll(scopeOf(call), call.caller, [orderFrom(values[0])], call.valueWei);
      invariant(id !== undefined, 'each order has its job');
      return [id];
    },
  },
  {
    item: withInput(abiFunction('postMany() payable returns (bytes32[] jobIds)'), ORDERS),
    notice: 'Posts several jobs, or none of them.',
    gas: 50_000,
    gasOfArguments: (values) => ORDER_GAS * listArgument(values, 0).length,
    run: (call, values) => [
      postAll(scopeOf(call), call.caller, listArgument(values, 0).map(orderFrom), call.valueWei),
    ],
  },
  {
    item: abiFunction('cancel(bytes32 job)'),
    notice: 'Takes back a job of the caller on which nobody works; all of its money comes back.',
    gas: 300_000,
    run: (call, values) => {
      cancel(scopeOf(call), bytesArgument(values, 0), call.caller);
      return [];
    },
  },
];

const provider: readonly ModuleFunction[] = [
  {
    item: abiFunction('claim(bytes32 job, uint256 priceWei)'),
    notice:
      'The provider for which the caller stands wants to do a job at this price, in wei; its bond is locked until the draw.',
    gas: 1_200_000,
    run: (call, values) => {
      claim(scopeOf(call), bytesArgument(values, 0), uintArgument(values, 1), call.caller);
      return [];
    },
  },
  {
    item: abiFunction('release(bytes32 job, uint8 attempt)'),
    notice: 'Gives an attempt back: without loss while the release window is open.',
    gas: EVENT_GAS,
    run: (call, values) => {
      actAsProvider(scopeOf(call), ...attemptFrom(values), call.caller, { kind: 'release' });
      return [];
    },
  },
  {
    item: abiFunction('commit(bytes32 job, uint8 attempt, bytes32 root, bytes32 keyCommitment)'),
    notice: 'Binds the provider to what the segments of a batch come to.',
    gas: EVENT_GAS,
    run: (call, values) => {
      const [root, keyCommitment] = [bytesArgument(values, 2), bytesArgument(values, 3)];
      actAsProvider(scopeOf(call), ...attemptFrom(values), call.caller, {
        kind: 'commit',
        root,
        keyCommitment,
      });
      return [];
    },
  },
  {
    item: abiFunction(
      'commitChain(bytes32 job, uint8 attempt, bytes32 root, bytes32 keyCommitment, bytes32 stateId, bytes32 salt, bytes32[] branch)',
    ),
    notice: 'Binds the provider to the states of a chain, with leaf 0, the input, laid open.',
    gas: EVENT_GAS,
    gasOfArguments: (values) => HASH_GAS * listArgument(values, 6).length,
    run: (call, values) => {
      const [root, keyCommitment] = [bytesArgument(values, 2), bytesArgument(values, 3)];
      const input = {
        stateId: bytesArgument(values, 4),
        salt: bytesArgument(values, 5),
        branch: hashesFrom(values, 6),
      };
      const event = { kind: 'commit', root, keyCommitment, input } as const;
      actAsProvider(scopeOf(call), ...attemptFrom(values), call.caller, event);
      return [];
    },
  },
  {
    item: abiFunction(
      'unseal(bytes32 job, uint8 attempt, bytes32 jobKey, bytes32 outputRoot, bytes32 outputId, bytes32[] answers, bytes32[] branches)',
    ),
    notice:
      'Lays open the judged segments; the branches stand one after the other, and none is given in a full audit. The output id is that of its blob.',
    gas: EVENT_GAS,
    gasOfArguments: (values) =>
      HASH_GAS * (3 * listArgument(values, 5).length + listArgument(values, 6).length),
    run: (call, values) => {
      const [id, number] = attemptFrom(values);
      const answers = hashesFrom(values, 5);
      const unsealing = {
        jobKey: bytesArgument(values, 2),
        outputRoot: bytesArgument(values, 3),
        answers,
        branches: split(hashesFrom(values, 6), answers.length),
      };
      unseal(scopeOf(call), id, number, call.caller, unsealing, bytesArgument(values, 4));
      return [];
    },
  },
  {
    item: abiFunction('publish(bytes32 job, uint8 attempt, bytes data)'),
    notice: 'Puts the input or the output on the chain, where it is called unavailable.',
    gas: EVENT_GAS,
    gasOfArguments: (values) => BYTE_GAS * bytesArgument(values, 2).length,
    run: (call, values) => {
      publish(scopeOf(call), ...attemptFrom(values), call.caller, bytesArgument(values, 2));
      return [];
    },
  },
];

const anybody: readonly ModuleFunction[] = [
  {
    item: abiFunction('proveMismatch(bytes32 job, uint8 attempt, bytes32[] stateIds)'),
    notice:
      'Proves that an output is not what was committed to, by the content ids of all its parts; for anybody, who gets a share of the bond.',
    gas: EVENT_GAS,
    gasOfArguments: (values) => 3 * HASH_GAS * listArgument(values, 2).length,
    run: (call, values) => {
      proveMismatch(scopeOf(call), ...attemptFrom(values), call.caller, hashesFrom(values, 2));
      return [];
    },
  },
  {
    item: abiFunction('settle(bytes32 job) returns (bool isDone)'),
    notice: 'Does what is due of a job; for anybody. It happens by itself, too.',
    gas: EVENT_GAS,
    run: (call, values) => {
      const id = bytesArgument(values, 0);
      knownJob(call.state, id);
      return [settleDue(scopeOf(call), id)];
    },
  },
  {
    item: abiFunction('submitRecord(bytes record)'),
    notice:
      'An audit entry signed by a validator, SSZ-encoded, for one whose extensions are left out of blocks; for anybody.',
    gas: EVENT_GAS + 500_000,
    run: (call, values) => {
      const sources = call.scopeOf(sourcesModule);
      hearRecord({ ...scopeOf(call), sources }, bytesArgument(values, 0));
      return [];
    },
  },
];

const views: readonly ModuleFunction[] = [
  {
    item: abiFunction(
      'job(bytes32 id) view returns (address client, bytes32 source, bytes32 input, uint8 phase, uint8 reason, uint16 segments, uint256 maxPriceWei, uint256 auditFeeWei, uint256 escrowWei, uint8 attempts, uint64 deadlineMs)',
    ),
    notice: 'A job; phase 0 open, 1 assigned, 2 settled, 3 refunded, 4 cancelled, 5 expired.',
    gas: 20_000,
    run: (call, values) => {
      const job = knownJob(call.state, bytesArgument(values, 0));
      return [
        ...[job.client, job.source, job.input, BigInt(job.phase), BigInt(job.reason), BigInt(job.segments)],
        ...[job.maxPriceWei, job.auditFeeWei, job.escrowWei, BigInt(job.attempts), BigInt(job.deadlineMs)],
      ];
    },
  },
  {
    item: abiFunction(
      'attempt(bytes32 id, uint8 number) view returns (address provider, uint8 phase, uint8 round, uint256 priceWei, uint256 bondWei, uint64 deadlineMs, uint64 deadlineHeight, uint8 reason, bytes32 outputId)',
    ),
    notice:
      'An attempt at a job; phases 0 to 7 are under way, 8 accepted, 9 rejected, 10 abandoned, 11 inconclusive.',
    gas: 200_000,
    run: (call, values) => {
      const [id, number] = attemptFrom(values);
      const kept = attempts.find(call.state, id, number);
      if (kept === undefined) throw new Revert(ERRORS.UnknownAttempt, [id, BigInt(number)]);
      const { terms, phase, round, deadline, ending } = kept.attempt;
      return [
        ...[
          terms.provider,
          BigInt(ATTEMPT_PHASES.indexOf(phase)),
          BigInt(round),
          terms.priceWei,
          terms.bondWei,
        ],
        ...[BigInt(deadline.timeMs), BigInt(deadline.height)],
        ...[
          BigInt(ending === undefined ? 0 : ENDING_REASONS[ending].number),
          kept.outputId ?? new Uint8Array(32),
        ],
      ];
    },
  },
  {
    item: abiFunction('claimsOf(bytes32 id) view returns (address[] providers, uint256[] pricesWei)'),
    notice: 'Who wants to do a job, and for how many wei.',
    gas: 50_000,
    run: (call, values) => {
      const claims = claimsOf.find(call.state, bytesArgument(values, 0)) ?? [];
      return [claims.map((each) => each.provider), claims.map((each) => each.priceWei)];
    },
  },
  {
    item: abiFunction('bondFor(bytes32 id, uint256 priceWei) view returns (uint256 bondWei)'),
    notice: 'What a claim of the job at this price would lock now, in wei.',
    gas: 1_000_000,
    run: (call, values) => {
      const job = knownJob(call.state, bytesArgument(values, 0));
      return [bondOf(call.state, call.block, job, uintArgument(values, 1))];
    },
  },
  {
    item: abiFunction(
      'verifier(address validator) view returns (uint32 owedEntries, uint32 marks, uint64 epoch, uint64 suspendedHeight)',
    ),
    notice: 'What a validator may owe audits, and its faults in the epoch it last had one.',
    gas: 10_000,
    run: (call, values) => {
      const { owed, marks, epoch, suspendedHeight } = standingOf(call.state, bytesArgument(values, 0));
      return [owed, marks, epoch, suspendedHeight].map(BigInt);
    },
  },
];

export const jobsModule = defineModule({
  name: 'jobs',
  address: MODULE_ADDRESSES.jobs,
  functions: [...client, ...provider, ...anybody, ...views],
  events: Object.values(EVENTS),
  errors: Object.values(ERRORS),
});

function scopeOf(call: CallContext): JobScope {
  return { state: call.state, block: call.block, emit: call.emit, staking: call.scopeOf(stakingModule) };
}

function attemptFrom(values: readonly AbiValue[]): [id: Uint8Array, number: number] {
  return [bytesArgument(values, 0), Number(uintArgument(values, 1))];
}

function hashesFrom(values: readonly AbiValue[], index: number): Uint8Array[] {
  return listArgument(values, index).map((_, place, list) => bytesArgument(list, place));
}

/** Branches of equal length, one after the other; what cannot be such is left for the rules to refuse. */
function split(siblings: readonly Uint8Array[], count: number): Uint8Array[][] {
  if (siblings.length === 0 || count === 0) return [];
  const length = Math.ceil(siblings.length / count);
  return Array.from({ length: count }, (_, index) => siblings.slice(index * length, (index + 1) * length));
}

function orderFrom(value: AbiValue | undefined): Order {
  invariant(Array.isArray(value), 'a struct argument is a list');
  const fields = value as readonly AbiValue[];
  const isFull = fields[8];
  invariant(typeof isFull === 'boolean', 'a bool argument is a boolean');
  return {
    key: bytesArgument(fields, 0),
    source: bytesArgument(fields, 1),
    input: bytesArgument(fields, 2),
    segmentation: bytesArgument(fields, 3),
    maxPriceWei: uintArgument(fields, 4),
    valueWei: uintArgument(fields, 5),
    deadlineMs: uintArgument(fields, 6),
    quoteUntilMs: uintArgument(fields, 7),
    full: isFull,
  };
}
