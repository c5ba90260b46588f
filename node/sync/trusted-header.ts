import { verifyToHeight } from '../../consensus/light/bisection.js';
import {
  trustGenesis,
  trustHeader,
  type LightOptions,
  type TrustedHeader,
  type TrustPoint,
} from '../../consensus/light/trust.js';
import type { LightBlock } from '../../consensus/light/verify.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import { protocolVersionAt } from '../../protocol/params.js';
import { nextValidators } from '../../state/staking/active-set.js';
import { seedSystem, type SystemGenesis } from '../../state/staking/genesis.js';
import { Overlay } from '../../state/store/overlay.js';

/** A block that an operator knows to be of the chain. */
export interface Checkpoint {
  readonly height: number;
  readonly id: Uint8Array;
}

export interface TrustRoots {
  readonly genesis: SystemGenesis;
  /** Instead of the genesis: needed when that is older than signatures can be trusted for. */
  readonly checkpoint: Checkpoint | undefined;
  readonly bls: Bls;
}

/** How far a header may be ahead of this node's clock. */
const MAX_CLOCK_DRIFT_MS = 10_000;

/** A thousand validators with all that belongs to them take a few MiB. */
const MAX_SYSTEM_BYTES = 64 * 1024 * 1024;

/**
 * The header of a height, believed because of the checkpoint or the genesis.
 *
 * @param ask gives the light block of a height
 * @param nowMs Unix milliseconds
 * @throws LightError, LIGHT_TRUST_EXPIRED among them, whose cure is a newer checkpoint; whatever `ask` rejects with
 */
export async function trustedHeaderAt(
  height: number,
  ask: (height: number) => Promise<LightBlock>,
  nowMs: number,
  { genesis, checkpoint, bls }: TrustRoots,
): Promise<TrustedHeader> {
  const options = lightOptions(genesis, bls);
  if (checkpoint === undefined)
    return verifyToHeight(genesisTrust(genesis, bls), height, ask, nowMs, options);
  const { header, nextValidators: next, possessions } = await ask(checkpoint.height);
  const trusted = trustHeader(header, checkpoint.id, next, possessions, { bls });
  return height === checkpoint.height ? trusted : verifyToHeight(trusted, height, ask, nowMs, options);
}

/** Two thirds of the time for which a stake answers for what was signed with it. */
function lightOptions({ chainId, genesisId, params }: SystemGenesis, bls: Bls): LightOptions {
  return {
    chainAt: (height) => ({ chainId, genesisId, protocolVersion: protocolVersionAt(params, height) }),
    trustingPeriodMs: Math.floor((params.staking.unbondingMs * 2) / 3),
    maxClockDriftMs: MAX_CLOCK_DRIFT_MS,
    bls,
  };
}

function genesisTrust(genesis: SystemGenesis, bls: Bls): TrustPoint {
  const state = new Overlay({ get: () => undefined }, { maxBytes: MAX_SYSTEM_BYTES });
  seedSystem(state, genesis);
  const possessions = genesis.validators.map(({ blsPublicKey, proofOfPossession }) => ({
    blsPublicKey,
    proof: proofOfPossession,
  }));
  return trustGenesis(genesis.genesisTimeMs, nextValidators(state), possessions, { bls });
}
