import { compareBytes } from '../../protocol/bytes.js';
import { bls as defaultBls, type Bls } from '../../protocol/crypto/bls.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import {
  beaconSignBytes,
  extensionSignBytes,
  proposalSignBytes,
  voteSignBytes,
} from '../../protocol/sign-bytes.js';
import type { ExtensionPayload, VoteExtension } from '../../protocol/types/extension.js';
import type { Proposal, ProposalPayload } from '../../protocol/types/proposal.js';
import type { Validator, ValidatorSet } from '../../protocol/types/validators.js';
import { PRECOMMIT, type Vote, type VoteKind, type VotePayload } from '../../protocol/types/vote.js';
import { createCommittee, type Committee } from '../../consensus/committee.js';

export const TEST_CHAIN: ChainIdentity = {
  chainId: 64_782,
  genesisId: new Uint8Array(32).fill(0x6e),
  protocolVersion: 1,
};

/** A validator that signs whatever it is told to, contradictions included. */
export class TestMember {
  readonly secretKey: Uint8Array;
  readonly validator: Validator;
  readonly #bls: Bls;

  /** Id and key follow from `number`; `keyNumber` tells another key. */
  constructor(number: number, votingPower = 1, { bls = defaultBls, keyNumber = number } = {}) {
    this.#bls = bls;
    this.secretKey = Uint8Array.from(sha256(numberBytes(keyNumber)), (byte, i) =>
      i === 0 ? byte >> 2 : byte,
    );
    const id = sha256(numberBytes(number)).slice(0, 20);
    this.validator = { id, blsPublicKey: bls.publicKey(this.secretKey), votingPower };
  }

  get id(): Uint8Array {
    return this.validator.id;
  }

  proposal(payload: ProposalPayload, chain = TEST_CHAIN): Proposal {
    return { payload, proposer: this.id, signature: this.sign(proposalSignBytes(chain, payload)) };
  }

  vote(kind: VoteKind, payload: VotePayload, chain = TEST_CHAIN): Vote {
    const signature = this.sign(voteSignBytes(chain, kind, payload));
    return { kind, payload, validator: this.id, signature };
  }

  precommit(payload: VotePayload, chain = TEST_CHAIN): Vote {
    return this.vote(PRECOMMIT, payload, chain);
  }

  extension(payload: ExtensionPayload, chain = TEST_CHAIN): VoteExtension {
    return { payload, validator: this.id, signature: this.sign(extensionSignBytes(chain, payload)) };
  }

  reveal(height: number, previousBeacon: Uint8Array, chain = TEST_CHAIN): Uint8Array {
    return this.sign(beaconSignBytes(chain, height, previousBeacon));
  }

  possession(): Uint8Array {
    return this.#bls.provePossession(this.secretKey);
  }

  sign(message: Uint8Array): Uint8Array {
    return this.#bls.sign(this.secretKey, message);
  }
}

export interface TestCommittee {
  /** In the order of the set. */
  readonly members: readonly TestMember[];
  readonly committee: Committee;
}

/** Members in the order of their set. */
export function committeeOf(members: readonly TestMember[], bls: Bls = defaultBls): TestCommittee {
  const sorted = [...members].sort((a, b) => compareBytes(a.id, b.id));
  const set: ValidatorSet = sorted.map(({ validator }) => validator);
  return { members: sorted, committee: createCommittee(set, bls) };
}

/** A committee with these powers, in no particular order. */
export function testCommittee(
  powers: readonly number[],
  firstNumber = 1,
  bls: Bls = defaultBls,
): TestCommittee {
  const members = powers.map((power, i) => new TestMember(firstNumber + i, power, { bls }));
  return committeeOf(members, bls);
}

/** As many members of power 1. */
export function equalCommittee(size: number, firstNumber = 1): TestCommittee {
  return testCommittee(
    Array.from({ length: size }, () => 1),
    firstNumber,
  );
}

function numberBytes(number: number): Uint8Array {
  return new TextEncoder().encode(`validator ${number}`);
}
