import { toChecksumAddress } from '../protocol/address.js';
import { formatOgpu, TOTAL_SUPPLY_WEI } from '../protocol/amounts.js';
import { toHex } from '../protocol/bytes.js';
import { bls, BlsError, type BlsPublicKey } from '../protocol/crypto/bls.js';
import { protocolVersionAt, type ChainParams } from '../protocol/params.js';
import { FOREIGN_CHAIN_IDS } from '../protocol/presets.js';
import { balanceOf, totalWei, type AccountTable } from './accounts.js';
import type { ValidatorEntry } from './document.js';
import type { FaultLog } from './faults.js';
import { verifyOwnerBinding } from './owner-binding.js';
import type { DocumentParts, Part } from './parts.js';

/** Faults: CHAIN_ID_FOREIGN. */
export function checkChain({ chainId }: DocumentParts, log: FaultLog): void {
  if (chainId !== undefined && FOREIGN_CHAIN_IDS.includes(chainId)) {
    log.add('chainId', 'CHAIN_ID_FOREIGN', `chain id ${chainId} belongs to the EVM network called OpenGPU`);
  }
}

/**
 * Faults: VALIDATORS_ABOVE_MAXIMUM, VALIDATOR_OWNER_DUPLICATE, VALIDATOR_KEY_DUPLICATE, VALIDATOR_NAME_DUPLICATE, BLS_KEY_*,
 * PROOF_OF_POSSESSION_INVALID, OWNER_BINDING_INVALID, STAKE_BELOW_MINIMUM.
 */
export function checkValidators(
  parts: DocumentParts,
  log: FaultLog,
  { areSignaturesKnown = false }: { readonly areSignaturesKnown?: boolean } = {},
): void {
  const { validators, params } = parts;
  const maximum = params?.consensus.maxValidators;
  if (maximum !== undefined && validators.length > maximum) {
    const message = `${validators.length} validators; params.consensus.maxValidators is ${maximum}`;
    log.add('validators', 'VALIDATORS_ABOVE_MAXIMUM', message);
  }
  reportDuplicates(validators, 'owner', 'VALIDATOR_OWNER_DUPLICATE', ({ owner }) => toHex(owner), log);
  reportDuplicates(validators, 'blsPublicKey', 'VALIDATOR_KEY_DUPLICATE', (v) => toHex(v.blsPublicKey), log);
  reportDuplicates(validators, 'name', 'VALIDATOR_NAME_DUPLICATE', ({ name }) => name, log);
  for (const validator of validators) {
    const key = parseKey(validator.value, validator.path, log);
    if (key !== undefined && !areSignaturesKnown) checkSignatures(key, validator, parts, log);
    if (params !== undefined) checkStake(`${validator.path}.stakeWei`, validator.value.stakeWei, params, log);
  }
}

/** Faults: STAKE_BELOW_MINIMUM. */
export function checkStake(path: string, stakeWei: bigint, { staking }: ChainParams, log: FaultLog): void {
  if (stakeWei >= staking.minSelfStakeWei) return;
  const message = `a validator needs a stake of ${formatOgpu(staking.minSelfStakeWei)} OGPU`;
  log.add(path, 'STAKE_BELOW_MINIMUM', message);
}

/** Faults: STAKE_NOT_COVERED, SUPPLY_EXCEEDED. `accounts` hold what was allocated, stakes included. */
export function checkBalances(accounts: AccountTable, parts: DocumentParts, log: FaultLog): void {
  for (const { path, value } of parts.validators) {
    const balanceWei = balanceOf(accounts, value.owner);
    if (value.stakeWei <= balanceWei) continue;
    const message = `${toChecksumAddress(value.owner)} is allocated ${formatOgpu(balanceWei)} OGPU only`;
    log.add(`${path}.stakeWei`, 'STAKE_NOT_COVERED', message);
  }
  const allocatedWei = totalWei(accounts);
  if (allocatedWei > TOTAL_SUPPLY_WEI) {
    const message = `allocations and snapshots add up to ${formatOgpu(allocatedWei)} of 21,000,000 OGPU`;
    log.add('$', 'SUPPLY_EXCEEDED', message);
  }
}

function checkSignatures(
  key: BlsPublicKey,
  { path, value }: Part<ValidatorEntry>,
  { chainId, params }: DocumentParts,
  log: FaultLog,
): void {
  if (!bls.verifyPossession(value.blsPublicKey, value.proofOfPossession)) {
    const message = 'is not a proof of possession by blsPublicKey';
    log.add(`${path}.proofOfPossession`, 'PROOF_OF_POSSESSION_INVALID', message);
  }
  if (chainId === undefined || !Number.isSafeInteger(chainId) || params === undefined) return;
  const chain = { chainId, protocolVersion: protocolVersionAt(params, 0) };
  if (!verifyOwnerBinding(key, chain, value.owner, value.ownerBinding)) {
    const message = `is not a signature by blsPublicKey over this owner on chain ${chainId}`;
    log.add(`${path}.ownerBinding`, 'OWNER_BINDING_INVALID', message);
  }
}

function parseKey(validator: ValidatorEntry, path: string, log: FaultLog): BlsPublicKey | undefined {
  try {
    return bls.parsePublicKey(validator.blsPublicKey);
  } catch (error) {
    if (!(error instanceof BlsError)) throw error;
    log.add(`${path}.blsPublicKey`, error.code, error.message);
    return undefined;
  }
}

function reportDuplicates(
  validators: readonly Part<ValidatorEntry>[],
  field: keyof ValidatorEntry,
  code: string,
  keyOf: (validator: ValidatorEntry) => string,
  log: FaultLog,
): void {
  const firstPath = new Map<string, string>();
  for (const { path, value } of validators) {
    const key = keyOf(value);
    const first = firstPath.get(key);
    if (first === undefined) firstPath.set(key, path);
    else log.add(`${path}.${field}`, code, `is already that of ${first}`);
  }
}
