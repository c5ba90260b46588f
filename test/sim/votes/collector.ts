import { bytesEqual, toHex } from '../../../protocol/bytes.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { signingRoot } from '../../../protocol/domains.js';
import { BitArray, SszError } from '../../../protocol/ssz/types.js';
import type { Commit } from '../../../protocol/types/commit.js';
import {
  PRECOMMIT,
  voteCodec,
  votePayloadCodec,
  type Vote,
  type VotePayload,
} from '../../../protocol/types/vote.js';
import type { Member, World } from './world.js';

/** What a node makes of the precommits it was sent. */
export interface Collected {
  /** One per validator, verified, for the block in question. */
  readonly votes: readonly Vote[];
  /** Ids of validators that signed two different votes. */
  readonly equivocators: readonly string[];
  /** Present when the votes carry more than two thirds of the power. */
  readonly commit: Commit | undefined;
}

/** Decodes, verifies in batches, drops what is bad and aggregates what is good. Takes any bytes. */
export function collect(world: World, payload: VotePayload, messages: readonly Uint8Array[]): Collected {
  const byBlock = new Map<string, Candidate[]>();
  for (const candidate of messages.flatMap((message) => read(world, payload, message))) {
    const block = toHex(candidate.vote.payload.blockId);
    byBlock.set(block, [...(byBlock.get(block) ?? []), candidate]);
  }
  const blocksOf = new Map<string, Set<string>>();
  const votes = new Map<string, Vote>();
  for (const [block, candidates] of byBlock) {
    for (const { vote } of keepValid(world, candidates)) {
      const id = toHex(vote.validator);
      blocksOf.set(id, (blocksOf.get(id) ?? new Set()).add(block));
      if (bytesEqual(vote.payload.blockId, payload.blockId)) votes.set(id, vote);
    }
  }
  const equivocators = [...blocksOf].filter(([, blocks]) => blocks.size > 1).map(([id]) => id);
  return { votes: [...votes.values()], equivocators, commit: assemble(world, payload, votes) };
}

/** Whether `commit` proves that more than two thirds of the power signed its block. */
export function verifyCommit(world: World, commit: Commit): boolean {
  const { height, round, blockId, signers, signature } = commit;
  if (signers.bitLen !== world.members.length) return false;
  const signed = signers.intersectValues([...world.members]);
  const message = signingRoot(world.identity, 'precommit', votePayloadCodec.root({ height, round, blockId }));
  return (
    isQuorum(world, signed) &&
    bls.fastAggregateVerify(
      signed.map(({ blsKey }) => blsKey),
      message,
      signature,
    )
  );
}

interface Candidate {
  readonly member: Member;
  readonly vote: Vote;
}

function read(world: World, payload: VotePayload, message: Uint8Array): Candidate[] {
  try {
    const vote = voteCodec.decode(message);
    const member = world.members.find(({ id }) => bytesEqual(id, vote.validator));
    const isOfThisRound = vote.payload.height === payload.height && vote.payload.round === payload.round;
    return member !== undefined && vote.kind === PRECOMMIT && isOfThisRound ? [{ member, vote }] : [];
  } catch (error) {
    if (error instanceof SszError) return [];
    throw error;
  }
}

/** The candidates, all for one block, whose signatures hold. */
function keepValid(world: World, candidates: readonly Candidate[]): readonly Candidate[] {
  const [first] = candidates;
  if (first === undefined) return [];
  const message = signingRoot(world.identity, 'precommit', votePayloadCodec.root(first.vote.payload));
  const entries = candidates.map(({ member, vote }) => ({ key: member.blsKey, signature: vote.signature }));
  const invalid = new Set(bls.findInvalid(entries, message));
  return candidates.filter((_, index) => !invalid.has(index));
}

function assemble(world: World, payload: VotePayload, votes: ReadonlyMap<string, Vote>): Commit | undefined {
  const present = world.members.map(({ id }) => votes.has(toHex(id)));
  const signers = BitArray.fromBoolArray(present);
  if (!isQuorum(world, signers.intersectValues([...world.members]))) return undefined;
  const ordered = world.members.flatMap(({ id }) => votes.get(toHex(id)) ?? []);
  return {
    ...payload,
    signers,
    signature: bls.aggregateSignatures(ordered.map(({ signature }) => signature)),
  };
}

function isQuorum(world: World, signed: readonly Member[]): boolean {
  const power = signed.reduce((sum, { votingPower }) => sum + votingPower, 0);
  return 3 * power > 2 * world.totalPower;
}
