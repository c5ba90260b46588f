import type { LogRecord } from '../../consensus/engine/record.js';
import { SHORT_ID_BYTES, type CompactBody } from '../../consensus/compact-block.js';
import type { Message, SignedProposal, SignedVote } from '../../consensus/messages.js';
import { BitArray } from '../../protocol/ssz/types.js';
import type { Prng } from './prng.js';
import { SAMPLES } from './samples.js';

type Makers<Sum extends { readonly kind: string }> = {
  readonly [Kind in Sum['kind']]: (prng: Prng) => Extract<Sum, { readonly kind: Kind }>;
};

/** Random well-formed messages of every kind. */
export const MESSAGE_SAMPLES: Makers<Message> = {
  proposal: (prng) => ({ kind: 'proposal', proposal: signedProposal(prng) }),
  block: (prng) => ({ kind: 'block', block: SAMPLES.block(prng) }),
  vote: (prng) => ({ kind: 'vote', vote: signedVote(prng) }),
  votes: (prng) => ({ kind: 'votes', votes: signedVotes(prng) }),
  polka: (prng) => ({ kind: 'polka', polka: SAMPLES.commit(prng) }),
  commit: (prng) => ({ kind: 'commit', commit: SAMPLES.extendedCommit(prng) }),
  work: (prng) => ({ kind: 'work', work: { height: prng.u32() } }),
  evidence: (prng) => ({ kind: 'evidence', evidence: SAMPLES.evidence(prng) }),
  wantBlock: (prng) => ({ kind: 'wantBlock', wantBlock: { height: prng.u32(), blockId: prng.bytes(32) } }),
  wantCommit: () => ({ kind: 'wantCommit', wantCommit: { height: Number.MAX_SAFE_INTEGER } }),
  compactBody: (prng) => ({ kind: 'compactBody', compactBody: compactBody(prng) }),
  compactBlock: (prng) => ({
    kind: 'compactBlock',
    compactBlock: { header: SAMPLES.header(prng), body: compactBody(prng) },
  }),
  wantTransactions: (prng) => ({
    kind: 'wantTransactions',
    wantTransactions: {
      height: prng.u32(),
      bodyRoot: prng.bytes(32),
      places: BitArray.fromBoolArray(Array.from({ length: prng.below(40) }, () => prng.chance(1, 2))),
    },
  }),
  transactions: (prng) => ({
    kind: 'transactions',
    transactions: {
      height: prng.u32(),
      bodyRoot: prng.bytes(32),
      transactions: Array.from({ length: prng.below(5) }, () => prng.bytes(1 + prng.below(200))),
    },
  }),
};

/** Random records of every kind that a height's log may hold. */
export const RECORD_SAMPLES: Makers<LogRecord> = {
  open: (prng) => ({ kind: 'open', height: prng.u32() }),
  timer: (prng) => ({
    kind: 'timer',
    timer: {
      kind: prng.pick(['propose', 'prevote', 'precommit'] as const),
      height: prng.u32(),
      round: prng.u32(),
    },
  }),
  proposal: (prng) => ({ kind: 'proposal', proposal: signedProposal(prng), receivedMs: prng.u32() }),
  block: (prng) => ({ kind: 'block', id: prng.bytes(32), block: SAMPLES.block(prng) }),
  built: (prng) => ({
    kind: 'built',
    height: prng.u32(),
    round: prng.u32(),
    id: prng.bytes(32),
    block: SAMPLES.block(prng),
  }),
  validated: (prng) => ({
    kind: 'validated',
    height: prng.u32(),
    id: prng.bytes(32),
    validity: prng.pick(['valid', 'invalid'] as const),
  }),
  vote: (prng) => ({ kind: 'vote', vote: signedVote(prng) }),
  votes: (prng) => ({ kind: 'votes', votes: signedVotes(prng) }),
  polka: (prng) => ({ kind: 'polka', polka: SAMPLES.commit(prng) }),
  commit: (prng) => ({ kind: 'commit', commit: SAMPLES.extendedCommit(prng) }),
  'sign-proposal': (prng) => ({ kind: 'sign-proposal', result: prng.pick([null, prng.bytes(96)]) }),
  'sign-prevote': (prng) => ({ kind: 'sign-prevote', result: prng.pick([null, prng.bytes(96)]) }),
  'sign-precommit': (prng) => ({
    kind: 'sign-precommit',
    result: prng.pick([
      null,
      { signature: prng.bytes(96), extension: prng.pick([null, SAMPLES.voteExtension(prng)]) },
    ]),
  }),
};

function compactBody(prng: Prng): CompactBody {
  const { evidence, parentCommit, parentExtensions } = SAMPLES.body(prng);
  const shortIds = Array.from({ length: prng.below(20) }, () => prng.bytes(SHORT_ID_BYTES));
  const { height, round, timeMs, proposer, beaconReveal } = SAMPLES.header(prng);
  return {
    ...{ height, round, timeMs, proposer, beaconReveal },
    ...{ shortIds, evidence, parentCommit, parentExtensions },
  };
}

function signedProposal(prng: Prng): SignedProposal {
  return { proposal: SAMPLES.proposal(prng), header: SAMPLES.header(prng) };
}

function signedVote(prng: Prng): SignedVote {
  const extension = prng.chance(1, 2) ? [SAMPLES.voteExtension(prng)] : [];
  return { vote: SAMPLES.vote(prng), extension };
}

function signedVotes(prng: Prng): SignedVote[] {
  return Array.from({ length: prng.below(5) }, () => signedVote(prng));
}
