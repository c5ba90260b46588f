import type { Address } from '../../protocol/address.js';
import { genesisBeacon } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import type { ChainParams } from '../../protocol/params.js';
import { protocolVersionAt } from '../../protocol/params.js';
import { addToPool } from '../accounts/pools.js';
import type { Overlay } from '../store/overlay.js';
import { chainRecord, paramsRecord, progressRecord } from '../system/chain.js';
import type { BlockContext } from '../transition/block-context.js';
import { powerOf, writeFirstValidators } from './active-set.js';
import { NO_DELEGATION, writeDelegation } from './delegation.js';
import { writeFirstEpoch } from './epoch-record.js';
import { electValidators, seatValidators } from './epoch.js';
import { writeNewValidator } from './registering.js';
import { writeFirstRewards } from './rewards.js';
import { join } from './stake-pool.js';
import { writeValidator } from './standing.js';
import { validators } from './validator.js';

/** What a chain begins with beside its accounts. */
export interface SystemGenesis {
  readonly chainId: number;
  /** 32 bytes; commits to everything here. */
  readonly genesisId: Uint8Array;
  readonly genesisTimeMs: number;
  readonly params: ChainParams;
  readonly reserveWei: bigint;
  /** Their keys and signatures were checked when the genesis was made. */
  readonly validators: readonly GenesisValidator[];
}

export interface GenesisValidator {
  readonly name: string;
  readonly owner: Address;
  readonly operator: Address;
  readonly payout: Address;
  readonly blsPublicKey: Uint8Array;
  readonly proofOfPossession: Uint8Array;
  readonly stakeWei: bigint;
  readonly commissionBps: number;
}

/** Writes what the state begins with beside accounts: parameters, reserve, epoch 0, validators with their stakes, the first active set. */
export function seedSystem(state: Overlay, genesis: SystemGenesis): void {
  const { chainId, genesisId, genesisTimeMs, params, reserveWei } = genesis;
  chainRecord.write(state, { chainId, genesisId, genesisTimeMs });
  paramsRecord.write(state, params);
  progressRecord.write(state, {
    height: 0,
    timeMs: genesisTimeMs,
    baseFeeWei: params.blocks.initialBaseFeeWei,
    beacon: genesisBeacon({ chainId, genesisId }),
  });
  addToPool(state, 'reserve', reserveWei);
  writeFirstRewards(state);
  for (const validator of genesis.validators) writeGenesisValidator(state, genesis, validator);
  const set = electValidators(state, 0, params.consensus.maxValidators);
  invariant(set.length > 0, 'a genesis has a validator with enough stake');
  writeFirstEpoch(state, genesisTimeMs, powerOf(set));
  seatValidators(state, set);
  writeFirstValidators(state, set);
}

function writeGenesisValidator(state: Overlay, genesis: SystemGenesis, entry: GenesisValidator): void {
  const { owner, blsPublicKey, proofOfPossession, stakeWei } = entry;
  const since = { fromEpoch: 0, changedMs: genesis.genesisTimeMs };
  writeNewValidator(state, owner, { ...entry, key: { blsPublicKey, proofOfPossession } }, since);
  const validator = validators.read(state, owner);
  const { pool, holding } = join(validator.pool, NO_DELEGATION.holding, stakeWei);
  writeDelegation(state, owner, owner, { holding, liens: [] });
  writeValidator({ state, block: genesisContext(genesis) }, owner, { ...validator, pool });
}

/** The genesis as if it were a block. */
function genesisContext({ chainId, genesisId, genesisTimeMs, params }: SystemGenesis): BlockContext {
  return {
    identity: { chainId, genesisId, protocolVersion: protocolVersionAt(params, 0) },
    height: 0,
    timeMs: genesisTimeMs,
    epoch: 0,
    baseFeeWei: params.blocks.initialBaseFeeWei,
    gasLimit: params.blocks.gasLimit,
    proposer: new Uint8Array(20),
    params,
  };
}
