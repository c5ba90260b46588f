import { doublePrecommit, SoloChain, type Member } from './solo-chain.js';
import { signPayment, stakingCall } from './payments.js';
import { addressFromPublicKey } from '../../protocol/address.js';
import { TOTAL_SUPPLY_WEI, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import type { ChainParams } from '../../protocol/params.js';
import { PRESETS } from '../../protocol/presets.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import { initializeLedger } from '../../state/chain/genesis.js';
import type { BlockRules } from '../../state/chain/ledger.js';
import { MODULE_TABLE, type ModuleTable } from '../../state/modules/index.js';
import type { ModuleFunction } from '../../state/modules/module.js';
import { stakingModule } from '../../state/modules/staking.js';
import type { Store } from '../../state/store/store.js';

export const RULES: BlockRules = { recover: recoverSender };
const { devnet } = PRESETS;

export const { chainId } = devnet;

/** Devnet's, where stake falls due after a few blocks. */
export const params: ChainParams = {
  ...devnet.params,
  consensus: { ...devnet.params.consensus, evidenceMaxAgeBlocks: 1 },
  staking: { ...devnet.params.staking, unbondingBlocks: 2 },
};
const STAKE_WEI = 10_000n * WEI_PER_OGPU;

/** Four validators whose keys follow from their numbers, in the order of a set. */
export const MEMBERS: readonly Member[] = Array.from({ length: 4 }, (_, i) => {
  const secret = sha256(Uint8Array.of(i, 1));
  const blsSecretKey = sha256(Uint8Array.of(i, 2));
  // Below the order of either curve.
  secret[0] = blsSecretKey[0] = 1;
  return {
    owner: addressFromPublicKey(secp256k1.publicKey(secret)),
    ownerSecretKey: secret,
    blsSecretKey,
    blsPublicKey: bls.publicKey(blsSecretKey),
  };
}).sort((a, b) => compareBytes(a.owner, b.owner));

export function member(index: number): Member {
  const found = MEMBERS[index];
  if (found === undefined) throw new RangeError('no such member');
  return found;
}

/** A ledger with its first state; each owner has 100 OGPU beside its stake. */
export async function startChain(store: Store): Promise<SoloChain> {
  const accounts = MEMBERS.map(({ owner }) => ({ address: owner, balanceWei: 100n * WEI_PER_OGPU }));
  await initializeLedger(store, {
    chainId,
    genesisId: new Uint8Array(32).fill(0x6e),
    genesisTimeMs: 1_800_000_000_000,
    params,
    reserveWei: TOTAL_SUPPLY_WEI - BigInt(MEMBERS.length) * (STAKE_WEI + 100n * WEI_PER_OGPU),
    validators: MEMBERS.map(({ owner, blsPublicKey, blsSecretKey }, i) => ({
      ...{ owner, operator: owner, payout: owner, blsPublicKey },
      proofOfPossession: bls.provePossession(blsSecretKey),
      ...{ name: `member-${i}`, stakeWei: STAKE_WEI, commissionBps: 500 },
    })),
    accounts: () => accounts,
  });
  return new SoloChain(store, MEMBERS);
}

/** Height of the block of `growChain` that delegates. */
export const DELEGATION_HEIGHT = 2;

/** Six blocks: a transfer whose commit lacks one, a delegation, part of it asked back, a slash, an epoch's end, a payment that fell due. */
export async function growChain(store: Store): Promise<SoloChain> {
  const chain = await startChain(store);
  const [alice, bob, mallory] = [member(0), member(1), member(3)];
  const pay = (payment: Parameters<typeof signPayment>[2]): Uint8Array[] => [
    signPayment(store, alice.ownerSecretKey, payment),
  ];
  await chain.produce({
    envelopes: pay({ to: bob.owner, valueWei: 5n }),
    sign: ({ height, blockId, set }) => ({
      ...{ height, round: 0, blockId, signature: new Uint8Array(96) },
      signers: BitArray.fromBoolArray(set.map(({ id }) => toHex(id) !== toHex(member(2).owner))),
    }),
  });
  await chain.produce({ envelopes: pay(stakingCall('delegate', [bob.owner], 10n * WEI_PER_OGPU)) });
  await chain.produce({ envelopes: pay(stakingCall('undelegate', [bob.owner, 4n * WEI_PER_OGPU])) });
  await chain.produce({ evidence: [doublePrecommit(chain.identity, mallory, 2)] });
  await chain.produce({ stepMs: params.staking.epochMs });
  await chain.produce({ stepMs: params.staking.unbondingMs });
  return chain;
}

/** The modules with another `delegate`. */
export function withDelegate(change: (delegate: ModuleFunction) => ModuleFunction): ModuleTable {
  const delegate = stakingModule.byName.get('delegate');
  if (delegate === undefined) throw new RangeError('no such function');
  const byName = new Map(stakingModule.byName).set('delegate', change(delegate));
  return new Map(MODULE_TABLE).set(toHex(stakingModule.address), { ...stakingModule, byName });
}
