import { addressFromPublicKey } from '../../../protocol/address.js';
import { compareBytes } from '../../../protocol/bytes.js';
import { bls, type BlsPublicKey } from '../../../protocol/crypto/bls.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import type { ChainIdentity } from '../../../protocol/domains.js';
import { PRESETS } from '../../../protocol/presets.js';
import { PROTOCOL_VERSION } from '../../../protocol/params.js';
import type { ValidatorSet } from '../../../protocol/types/validators.js';
import type { Prng } from '../../support/prng.js';

/** A simulated validator with its keys. */
export interface Member {
  readonly id: Uint8Array;
  readonly blsSecretKey: Uint8Array;
  readonly blsKey: BlsPublicKey;
  readonly accountSecretKey: Uint8Array;
  readonly votingPower: number;
}

export interface World {
  readonly identity: ChainIdentity;
  /** In the order of the set. */
  readonly members: readonly Member[];
  readonly set: ValidatorSet;
  readonly totalPower: number;
}

/** A chain with `nodes` validators of random stake; keys are real and follow from the seed. */
export function createWorld(prng: Prng, nodes: number): World {
  const members = Array.from({ length: nodes }, () => createMember(prng)).sort((a, b) =>
    compareBytes(a.id, b.id),
  );
  return {
    identity: {
      chainId: PRESETS.devnet.chainId,
      genesisId: prng.bytes(32),
      protocolVersion: PROTOCOL_VERSION,
    },
    members,
    set: members.map(({ id, blsKey, votingPower }) => ({ id, blsPublicKey: blsKey.bytes, votingPower })),
    totalPower: members.reduce((sum, { votingPower }) => sum + votingPower, 0),
  };
}

function createMember(prng: Prng): Member {
  const blsSecretKey = secretKey(prng);
  const accountSecretKey = secretKey(prng);
  return {
    id: addressFromPublicKey(secp256k1.publicKey(accountSecretKey)),
    blsSecretKey,
    blsKey: bls.parsePublicKey(bls.publicKey(blsSecretKey)),
    accountSecretKey,
    votingPower: 1 + prng.below(1_000_000),
  };
}

/** Below the order of either curve, since the highest byte is small. */
function secretKey(prng: Prng): Uint8Array {
  const key = prng.bytes(32);
  key[0] = 1;
  return key;
}
