import { WEI_PER_OGPU, TOTAL_SUPPLY_WEI } from '../../../protocol/amounts.js';
import { addressFromPublicKey } from '../../../protocol/address.js';
import { compareBytes } from '../../../protocol/bytes.js';
import { bls as realBls, type Bls } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import type { ChainParams } from '../../../protocol/params.js';
import { assertChainParams } from '../../../protocol/params-check.js';
import { PRESETS } from '../../../protocol/presets.js';
import { initializeLedger, type LedgerGenesis } from '../../../state/chain/genesis.js';
import { MemoryStore } from '../../../state/store/memory.js';
import { hashBls } from './hash-bls.js';
import { stakeOf, type StakeShape } from './stakes.js';

/** Keys of a validator; all follow from its number. */
export interface SimulatedValidator {
  /** The owner's address: its id. */
  readonly id: Uint8Array;
  readonly ownerSecretKey: Uint8Array;
  readonly blsSecretKey: Uint8Array;
  readonly stakeWei: bigint;
}

/** The chain that simulated nodes share. */
export interface SimulatedChain {
  readonly bls: Bls;
  readonly validators: readonly SimulatedValidator[];
  readonly genesis: LedgerGenesis;
  /** With nothing but the genesis in it. */
  readonly store: MemoryStore;
}

export const GENESIS_TIME_MS = 1_800_000_000_000;

const DEVNET = PRESETS.devnet.params;

/** Quick enough that a run of ten seconds sees epochs and unbonding. Windows are too short to punish absence: jail would make Byzantine nodes more than a third. */
export const SIMULATED_PARAMS: ChainParams = {
  ...DEVNET,
  consensus: {
    ...DEVNET.consensus,
    blockIntervalMinMs: 50,
    blockIntervalIdleMs: 2_000,
    timeoutProposeMs: 600,
    timeoutProposeDeltaMs: 200,
    timeoutPrevoteMs: 300,
    timeoutPrevoteDeltaMs: 200,
    timeoutPrecommitMs: 300,
    timeoutPrecommitDeltaMs: 200,
    evidenceMaxAgeMs: 4_000,
    evidenceMaxAgeBlocks: 10,
  },
  staking: {
    ...DEVNET.staking,
    epochMs: 2_000,
    unbondingMs: 4_500,
    unbondingBlocks: 11,
    downtimeWindowMs: 2_000,
  },
};
assertChainParams(SIMULATED_PARAMS);

const chains = new Map<string, Promise<SimulatedChain>>();

/** @param isReal whether validators sign with BLS */
export function simulatedChain(
  nodes: number,
  isReal: boolean,
  stakes: StakeShape = 'equal',
): Promise<SimulatedChain> {
  const name = `${nodes} ${isReal} ${stakes}`;
  const known = chains.get(name);
  if (known !== undefined) return known;
  const made = makeChain(nodes, isReal ? realBls : hashBls, stakes);
  chains.set(name, made);
  return made;
}

async function makeChain(nodes: number, bls: Bls, stakes: StakeShape): Promise<SimulatedChain> {
  const validators = Array.from({ length: nodes }, (_, node) =>
    makeValidator(node, stakeOf(stakes, node, nodes)),
  );
  const stakedWei = validators.reduce((total, { stakeWei }) => total + stakeWei, 0n);
  const balanceWei = 1_000n * WEI_PER_OGPU;
  const genesis: LedgerGenesis = {
    chainId: PRESETS.devnet.chainId,
    genesisId: sha256(Uint8Array.of(nodes)),
    genesisTimeMs: GENESIS_TIME_MS,
    params: SIMULATED_PARAMS,
    reserveWei: TOTAL_SUPPLY_WEI - stakedWei - balanceWei * BigInt(nodes),
    validators: validators
      .map(({ id, blsSecretKey, stakeWei }, node) => ({
        ...{ name: `node ${node}`, owner: id, operator: id, payout: id, stakeWei, commissionBps: 500 },
        blsPublicKey: bls.publicKey(blsSecretKey),
        proofOfPossession: bls.provePossession(blsSecretKey),
      }))
      .sort((a, b) => compareBytes(a.owner, b.owner)),
    accounts: () =>
      validators
        .map(({ id }) => ({ address: id, balanceWei }))
        .sort((a, b) => compareBytes(a.address, b.address)),
  };
  const store = new MemoryStore();
  await initializeLedger(store, genesis);
  return { bls, validators, genesis, store };
}

function makeValidator(node: number, stakeWei: bigint): SimulatedValidator {
  const seed = (purpose: number): Uint8Array => sha256(Uint8Array.of(purpose, node & 0xff, node >> 8));
  const ownerSecretKey = seed(1);
  const blsSecretKey = seed(2);
  blsSecretKey[0] = (blsSecretKey[0] ?? 0) >> 2;
  return {
    id: addressFromPublicKey(secp256k1.publicKey(ownerSecretKey)),
    ownerSecretKey,
    blsSecretKey,
    stakeWei,
  };
}
