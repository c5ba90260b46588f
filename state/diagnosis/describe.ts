import { ADDRESS_LENGTH, toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { decodeAccount } from '../accounts/account.js';
import { decodePoolWei } from '../accounts/pools.js';
import { providers, standsFor } from '../providers/provider.js';
import { attestations } from '../sources/attestations.js';
import { sources } from '../sources/source.js';
import { activeSets } from '../staking/active-set.js';
import { delegations } from '../staking/delegation.js';
import { epochs, epochSpan } from '../staking/epoch-record.js';
import { missedBlocks } from '../staking/absence.js';
import { livenessWindow } from '../staking/liveness.js';
import { activeRewards } from '../staking/rewards.js';
import { unbondingCounter, unbondingPools, unbondings } from '../staking/unbonding.js';
import { keyOwners, validators } from '../staking/validator.js';
import type { KeySpace } from '../store/key-space.js';
import { STATE_KEYS } from '../store/keys.js';
import { spaceOf, type StateSpace } from '../store/state-spaces.js';
import { chainRecord, paramsRecord, progressRecord } from '../system/chain.js';

/** A value as people read it; bigints are decimal strings, bytes are hex, 20 bytes an address. */
export type Readable =
  string | number | boolean | null | readonly Readable[] | { readonly [name: string]: Readable };

/** A state key as its space and its fields, such as `del/ 0xAb… 0xCd…`; hex for one of no space. */
export function describeKey(key: Uint8Array): string {
  const space = spaceOf(key);
  if (space === undefined) return toHex(key);
  const keys: KeySpace<readonly unknown[]> = STATE_KEYS[space];
  const fields = orUndefined(() => keys.decode(key));
  return fields === undefined ? toHex(key) : [keys.prefix, ...fields.map(fieldText)].join(' ');
}

function fieldText(field: unknown): string {
  const text = readable(field);
  return typeof text === 'string' ? text : JSON.stringify(text);
}

/** A state value, decoded where its form is known; null where there is none. */
export function describeValue(key: Uint8Array, value: Uint8Array | undefined): Readable {
  if (value === undefined) return null;
  const decode = decoderOf(key);
  const decoded = decode === undefined ? undefined : orUndefined(() => readable(decode(value)));
  return decoded ?? toHex(value);
}

export function readable(value: unknown): Readable {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (value instanceof Uint8Array)
    return value.length === ADDRESS_LENGTH ? toChecksumAddress(value) : toHex(value);
  if (value instanceof BitArray) return value.toBoolArray();
  if (Array.isArray(value)) return value.map(readable);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, readable(part)]));
}

type Decode = (bytes: Uint8Array) => unknown;

const DECODERS: Partial<Record<StateSpace, Decode>> = {
  account: decodeAccount,
  pool: (bytes) => ({ balanceWei: decodePoolWei(bytes) }),
  epoch: (bytes) => epochs.decode(bytes),
  validator: (bytes) => validators.decode(bytes),
  validatorKey: (bytes) => keyOwners.decode(bytes),
  delegation: (bytes) => delegations.decode(bytes),
  unbonding: (bytes) => unbondings.decode(bytes),
  unbondingPool: (bytes) => unbondingPools.decode(bytes),
  liveness: (bytes) => missedBlocks.decode(bytes),
  provider: (bytes) => providers.decode(bytes),
  operator: (bytes) => standsFor.decode(bytes),
  source: (bytes) => sources.decode(bytes),
  attestations: (bytes) => attestations.decode(bytes),
};

const SYSTEM_DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['chain', (bytes) => chainRecord.decode(bytes)],
  ['progress', (bytes) => progressRecord.decode(bytes)],
  ['params', (bytes) => paramsRecord.decode(bytes)],
  ['validators', (bytes) => activeSets.decode(bytes)],
  ['rewards', (bytes) => activeRewards.decode(bytes)],
  ['epochs', (bytes) => epochSpan.decode(bytes)],
  ['liveness', (bytes) => livenessWindow.decode(bytes)],
  ['unbondings', (bytes) => unbondingCounter.decode(bytes)],
]);

function decoderOf(key: Uint8Array): Decode | undefined {
  const space = spaceOf(key);
  if (space === undefined) return undefined;
  if (space !== 'system') return DECODERS[space];
  const name = orUndefined(() => STATE_KEYS.system.decode(key)[0]);
  return name === undefined ? undefined : SYSTEM_DECODERS.get(name);
}

/** What is described may be damaged, and is shown raw then. */
function orUndefined<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
