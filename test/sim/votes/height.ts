import { bls } from '../../../protocol/crypto/bls.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { beaconPayloadCodec, signingRoot, type Purpose } from '../../../protocol/domains.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import type { Block } from '../../../protocol/types/block.js';
import { bodyRoots, type Body } from '../../../protocol/types/body.js';
import type { Commit } from '../../../protocol/types/commit.js';
import { validatorSetCodec } from '../../../protocol/types/validators.js';
import { PRECOMMIT, votePayloadCodec, type Vote, type VotePayload } from '../../../protocol/types/vote.js';
import type { Prng } from '../../support/prng.js';
import type { Member, World } from './world.js';

/** What a height builds on. */
export interface Tip {
  readonly height: number;
  readonly id: Uint8Array;
  readonly timeMs: number;
  readonly beacon: Uint8Array;
  readonly commit: Commit;
}

/** A block on `tip` with random transfers, every commitment of its header computed for real. */
export function buildBlock(world: World, prng: Prng, tip: Tip): Block {
  const proposer = drawByPower(world, prng);
  const transactions = Array.from({ length: prng.below(6) }, (_, nonce) =>
    transfer(world, prng, BigInt(nonce)),
  );
  const body: Body = { transactions, evidence: [], parentCommit: tip.commit, parentExtensions: [] };
  const height = tip.height + 1;
  const beaconRoot = beaconPayloadCodec.root({ height, previousBeacon: tip.beacon });
  const validatorsHash = validatorSetCodec.root(world.set);
  return {
    header: {
      protocolVersion: world.identity.protocolVersion,
      chainId: world.identity.chainId,
      height,
      round: 0,
      timeMs: tip.timeMs + 1 + prng.below(1000),
      parentId: tip.id,
      proposer: proposer.id,
      beaconReveal: bls.sign(proposer.blsSecretKey, signingRoot(world.identity, 'beacon', beaconRoot)),
      ...bodyRoots(body, transactions.map(keccak256)),
      receiptsRoot: prng.bytes(32),
      logsBloom: new Uint8Array(256),
      stateRoot: prng.bytes(32),
      validatorsHash,
      nextValidatorsHash: validatorsHash,
      gasUsed: 21_000 * transactions.length,
      gasLimit: 120_000_000,
      baseFeeWei: 10n ** 9n,
      extraData: new Uint8Array(0),
    },
    body,
  };
}

/** A precommit, signed honestly unless told to lie about one thing. */
export function precommit(
  world: World,
  member: Member,
  payload: VotePayload,
  lie: { readonly purpose?: Purpose; readonly chainId?: number } = {},
): Vote {
  const identity = { ...world.identity, chainId: lie.chainId ?? world.identity.chainId };
  const message = signingRoot(identity, lie.purpose ?? 'precommit', votePayloadCodec.root(payload));
  return {
    kind: PRECOMMIT,
    payload,
    validator: member.id,
    signature: bls.sign(member.blsSecretKey, message),
  };
}

function drawByPower(world: World, prng: Prng): Member {
  let ticket = prng.below(world.totalPower);
  for (const member of world.members) {
    if (ticket < member.votingPower) return member;
    ticket -= member.votingPower;
  }
  throw new RangeError('powers do not add up');
}

function transfer(world: World, prng: Prng, nonce: bigint): Uint8Array {
  const { accountSecretKey } = prng.pick(world.members);
  const signed = signTransaction(
    {
      type: 'eip1559',
      chainId: BigInt(world.identity.chainId),
      nonce,
      gasLimit: 21_000n,
      maxFeePerGas: 2n * 10n ** 9n,
      maxPriorityFeePerGas: BigInt(prng.below(1000)),
      to: prng.bytes(20),
      value: prng.bigint(64),
      data: new Uint8Array(0),
      accessList: [],
    },
    accountSecretKey,
  );
  return encodeTransaction(signed);
}
