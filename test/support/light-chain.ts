import assert from 'node:assert/strict';
import { assembleCommit } from '../../consensus/commit.js';
import type { KeyPossession } from '../../consensus/light/proven-set.js';
import type { LightBlock } from '../../consensus/light/verify.js';
import { blockId, type Header } from '../../protocol/types/header.js';
import { committeeOf, TEST_CHAIN, type TestMember } from './committee.js';
import { createPrng } from './prng.js';
import { SAMPLES } from './samples.js';

export const LIGHT_START_MS = 1_800_000_000_000;
export const LIGHT_BLOCK_MS = 1_000;

const proofs = new Map<TestMember, Uint8Array>();

/** Proofs of possession take long: each is made once. */
export function possessionOf(member: TestMember): KeyPossession {
  const proof = proofs.get(member) ?? member.possession();
  proofs.set(member, proof);
  return { blsPublicKey: member.validator.blsPublicKey, proof };
}

/** A chain of headers whose validators are those of `membersAt`; everything else in them is random. */
export class LightChain {
  readonly #membersAt: (height: number) => readonly TestMember[];

  constructor(membersAt: (height: number) => readonly TestMember[]) {
    this.#membersAt = membersAt;
  }

  header(height: number, changes: Partial<Header> = {}): Header {
    return {
      ...SAMPLES.header(createPrng(height)),
      protocolVersion: TEST_CHAIN.protocolVersion,
      chainId: TEST_CHAIN.chainId,
      height,
      timeMs: LIGHT_START_MS + height * LIGHT_BLOCK_MS,
      validatorsHash: committeeOf(this.#membersAt(height)).committee.hash,
      nextValidatorsHash: committeeOf(this.#membersAt(height + 1)).committee.hash,
      ...changes,
    };
  }

  /** What an honest server serves, signed by all unless told otherwise. */
  block(
    height: number,
    { changes = {}, signers }: { changes?: Partial<Header>; signers?: readonly TestMember[] } = {},
  ): LightBlock {
    const header = this.header(height, changes);
    const deciding = committeeOf(this.#membersAt(height));
    const next = committeeOf(this.#membersAt(height + 1));
    const payload = { height: header.height, round: 0, blockId: blockId(header) };
    const votes = (signers ?? deciding.members).map((member) => member.precommit(payload));
    const members = new Set([...deciding.members, ...next.members]);
    assert.ok(members.size > 0);
    return {
      header,
      commit: assembleCommit(deciding.committee, TEST_CHAIN, votes),
      validators: deciding.committee.set,
      nextValidators: next.committee.set,
      possessions: [...members].map(possessionOf),
    };
  }
}
