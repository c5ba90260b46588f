import { shortIdOf } from '../consensus/compact-block.js';
import { ConsensusEngine } from '../consensus/engine/engine.js';
import { encodeRecord } from '../consensus/engine/record.js';
import { decodeMessage, encodeMessage, type SignedVote } from '../consensus/messages.js';
import { claimOf } from '../consensus/votes/message.js';
import { createCommittee } from '../consensus/committee.js';
import { compareBytes } from '../protocol/bytes.js';
import { ShortIds } from '../node/mempool/short-ids.js';
import { bls } from '../protocol/crypto/bls.js';
import { keccak256 } from '../protocol/crypto/hash.js';
import { secp256k1 } from '../protocol/crypto/secp256k1.js';
import { PRESETS } from '../protocol/presets.js';
import { voteSignBytes } from '../protocol/sign-bytes.js';
import { blockCodec, type Block } from '../protocol/types/block.js';
import { bodyRoots } from '../protocol/types/body.js';
import { PREVOTE } from '../protocol/types/vote.js';
import { blockBatch } from '../state/chain/block-batch.js';
import { updateStateRoot } from '../state/chain/state-root.js';
import { MemoryStore } from '../state/store/memory.js';
import { transition } from '../state/transition/transition.js';
import { TEST_CHAIN, TestMember } from '../test/support/committee.js';
import { nextInput } from '../test/support/ledger.js';
import {
  envelopesOf,
  fillLedger,
  finalBlockOf,
  HOT_ACCOUNTS,
  TRANSFERS,
  TransferSource,
} from './ledger-chain.js';

/** What a node's work costs on this machine, in microseconds of one core. */
export interface Costs {
  readonly signUs: number;
  /** `entries` signatures over one message. */
  readonly verifyUs: (entries: number) => number;
  /** Aggregating `votes` signatures and verifying the sum. */
  readonly aggregateUs: (votes: number) => number;
  /** The sum of `votes` signatures in a block. */
  readonly verifyAggregateUs: (votes: number) => number;
  /** From the wire to the verifier's queue. */
  readonly readVoteUs: number;
  /** From the verifier through the engine into the log's buffer. */
  readonly countVoteUs: number;
  readonly recoverSenderUs: number;
  /** Decoding, hashing, executing, and writing of a megabyte: per transaction. */
  readonly perTransaction: {
    readonly decodeUs: number;
    readonly encodeUs: number;
    readonly hashUs: number;
    readonly rootUs: number;
    /** Finding it in a pool of many by its short id. */
    readonly findUs: number;
    readonly executeUs: number;
    readonly batchUs: number;
  };
}

const VOTES = 128;

/** Everything is measured in this process, now. */
export async function measureCosts(envelopes: readonly Uint8Array[]): Promise<Costs> {
  return {
    ...blsCosts(),
    ...voteCosts(),
    recoverSenderUs: recoverSenderUs(),
    perTransaction: await transactionCosts(envelopes),
  };
}

function blsCosts(): Pick<Costs, 'signUs' | 'verifyUs' | 'aggregateUs' | 'verifyAggregateUs'> {
  const members = Array.from({ length: VOTES }, (_, number) => new TestMember(number));
  const payload = { height: 7, round: 0, blockId: new Uint8Array(32).fill(7) };
  const message = voteSignBytes(TEST_CHAIN, PREVOTE, payload);
  const entries = members.map(({ validator, secretKey }) => ({
    key: bls.parsePublicKey(validator.blsPublicKey),
    signature: bls.sign(secretKey, message),
  }));
  const [first] = members;
  if (first === undefined) throw new RangeError('no members');
  const signatures = entries.map(({ signature }) => signature);
  const keys = entries.map(({ key }) => key);
  const signature = bls.aggregateSignatures(signatures);
  const verify = line(VOTES, (count) => bls.findInvalid(entries.slice(0, count), message));
  const sum = line(VOTES, (count) => bls.aggregateSignatures(signatures.slice(0, count)));
  const check = line(VOTES, (count) => bls.fastAggregateVerify(keys.slice(0, count), message, signature));
  return {
    signUs: timeUs(() => bls.sign(first.secretKey, message)),
    verifyUs: verify,
    aggregateUs: (votes) => sum(votes) + check(votes),
    verifyAggregateUs: check,
  };
}

/** A vote on its way through a node, signatures apart: once over the wire, once through the engine. */
function voteCosts(): Pick<Costs, 'readVoteUs' | 'countVoteUs'> {
  const members = Array.from({ length: 150 }, (_, number) => new TestMember(number));
  const set = members.map(({ validator }) => validator).sort((a, b) => compareBytes(a.id, b.id));
  const committee = createCommittee(set);
  const payload = { height: 1, round: 0, blockId: new Uint8Array(32).fill(7) };
  const votes = members.map(({ id }): SignedVote => ({
    vote: { kind: PREVOTE, payload, validator: id, signature: new Uint8Array(96) },
    extension: [],
  }));
  const wire = votes.map((vote) => encodeMessage({ kind: 'vote', vote }));
  const read = (): void => {
    for (const bytes of wire) {
      const message = decodeMessage(bytes);
      if (message.kind === 'vote') claimOf(committee, TEST_CHAIN, { type: 'vote', vote: message.vote.vote });
    }
  };
  const count = (): void => {
    const engine = new ConsensusEngine(undefined);
    const context = {
      height: 1,
      validators: set,
      params: PRESETS.mainnet.params.consensus,
      proposerOf: () => members[0]?.id ?? new Uint8Array(20),
      parentTimeMs: 0,
    };
    for (const _ of engine.handle({ kind: 'start', context }));
    for (const vote of votes) {
      for (const effect of engine.handle({ kind: 'vote', vote, from: '1' })) {
        if (effect.kind === 'log') encodeRecord(effect.input);
      }
    }
  };
  return { readVoteUs: timeUs(read) / votes.length, countVoteUs: timeUs(count) / votes.length };
}

function recoverSenderUs(): number {
  const digest = keccak256(Uint8Array.of(1));
  const { signature, yParity } = secp256k1.sign(digest, new Uint8Array(32).fill(1));
  return timeUs(() => secp256k1.recover(digest, signature, yParity));
}

async function transactionCosts(envelopes: readonly Uint8Array[]): Promise<Costs['perTransaction']> {
  const store = new MemoryStore();
  await fillLedger(store, HOT_ACCOUNTS);
  const transactions = new TransferSource(HOT_ACCOUNTS).next(TRANSFERS, HOT_ACCOUNTS);
  const input = nextInput(store, { transactions });
  const outcome = transition(store, input);
  const update = updateStateRoot(store, outcome.changes);
  const final = finalBlockOf(1, envelopesOf(transactions), outcome, update);
  const block: Block = { ...final.block, body: { ...final.block.body, transactions: [...envelopes] } };
  const bytes = blockCodec.encode(block);
  const hashes = envelopes.map(keccak256);
  const pool = new ShortIds();
  for (const [place, bytes] of envelopes.entries()) {
    const [first] = transactions;
    const hash = hashes[place];
    if (first !== undefined && hash !== undefined) pool.add({ ...first, bytes, hash });
  }
  const each = (run: () => unknown, count: number): number => timeUs(run) / count;
  return {
    decodeUs: each(() => blockCodec.decode(bytes), envelopes.length),
    encodeUs: each(() => blockCodec.encode(block), envelopes.length),
    hashUs: each(() => envelopes.map(keccak256), envelopes.length),
    rootUs: each(() => bodyRoots(block.body, hashes), envelopes.length),
    findUs: each(() => hashes.map((hash) => pool.get(shortIdOf(hash))), envelopes.length),
    executeUs: each(() => updateStateRoot(store, transition(store, input).changes), TRANSFERS),
    batchUs: each(() => blockBatch(final), TRANSFERS),
  };
}

/** A cost that grows in a straight line from one to `most`. */
function line(most: number, run: (count: number) => unknown): (count: number) => number {
  const oneUs = timeUs(() => run(1));
  const eachUs = Math.max(0, timeUs(() => run(most)) - oneUs) / (most - 1);
  return (count) => (count === 0 ? 0 : oneUs + (count - 1) * eachUs);
}

const WARM_UP_MS = 60;
const REPEATS = 9;

/** The fastest of a few runs, after some to warm up: what the work takes without neighbours. */
function timeUs(run: () => unknown): number {
  const endMs = performance.now() + WARM_UP_MS;
  while (performance.now() < endMs) run();
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    run();
    return 1000 * (performance.now() - start);
  });
  return Math.min(...times);
}
