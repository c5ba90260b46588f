import { invariant } from '../../protocol/invariant.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { STATE_KEYS } from '../store/keys.js';
import type { RecordedChange } from '../store/overlay.js';
import { spaceOf } from '../store/state-spaces.js';
import type { Reader } from '../store/store.js';
import { InvariantBroken } from './errors.js';
import { moneyInWei, referencesOf, sharesIn } from './lines.js';
import { checkProvider, checkSource } from './market.js';
import { checkActiveSet, checkScheduled, checkStanding } from './standing.js';

/**
 * Whether a block has kept what held before it: not a wei more or less, every share with a holder, no reference into nothing, everybody
 * ranked as he should be. Looks at what the block has changed, so it takes as long as the block is big; `auditState` looks at everything.
 *
 * @param after the state with `changes`
 * @throws InvariantBroken
 */
export function checkBlock(after: Reader, changes: readonly RecordedChange[]): void {
  checkSums(changes);
  for (const change of changes) {
    checkReferences(after, change);
    checkEntry(after, change.key);
  }
}

function checkSums(changes: readonly RecordedChange[]): void {
  let moneyWei = 0n;
  const unheld = new Map<string, bigint>();
  for (const { key, value, old } of changes) {
    for (const [bytes, sign] of [
      [value, 1n],
      [old, -1n],
    ] as const) {
      if (bytes === undefined) continue;
      moneyWei += sign * moneyInWei(key, bytes);
      for (const [pool, shares] of sharesIn(key, bytes)) {
        unheld.set(pool, (unheld.get(pool) ?? 0n) + sign * shares);
      }
    }
  }
  if (moneyWei !== 0n) {
    throw new InvariantBroken('SUPPLY_WRONG', 'the block has made or lost money', {
      differenceWei: moneyWei,
    });
  }
  assertBalanced(unheld);
}

/** @param unheld shares of each pool less those of its holders */
export function assertBalanced(unheld: ReadonlyMap<string, bigint>): void {
  for (const [pool, shares] of unheld) {
    if (shares === 0n) continue;
    throw new InvariantBroken('SHARES_UNBALANCED', `the shares of ${pool} are not those of its holders`, {
      pool,
      shares,
    });
  }
}

/** What an entry refers to is there; what is gone is referred to by nothing that it referred to. */
function checkReferences(after: Reader, { key, value, old }: RecordedChange): void {
  if (value !== undefined) {
    for (const target of referencesOf(key, value)) {
      if (after.get(target) === undefined) throw dangling(key, target);
    }
    return;
  }
  invariant(old !== undefined, 'a change that removes an entry has removed one');
  for (const target of referencesOf(key, old)) {
    const left = after.get(target);
    const refersBack = left !== undefined && referencesOf(target, left).some((back) => bytesEqual(back, key));
    if (refersBack) throw dangling(target, key);
  }
}

export function dangling(key: Uint8Array, target: Uint8Array): InvariantBroken {
  return new InvariantBroken(
    'REFERENCE_DANGLES',
    `an entry of ${spaceOf(key) ?? 'no space'} refers to one that is not there`,
    {
      key: toHex(key),
      target: toHex(target),
    },
  );
}

/** What must hold of the one thing an entry is about. */
export function checkEntry(after: Reader, key: Uint8Array): void {
  switch (spaceOf(key)) {
    case 'validator':
      checkStanding(after, STATE_KEYS.validator.decode(key)[0]);
      return;
    case 'delegation': {
      const [validator, delegator] = STATE_KEYS.delegation.decode(key);
      if (bytesEqual(validator, delegator)) checkStanding(after, validator);
      return;
    }
    case 'unbonding':
      checkScheduled(after, ...STATE_KEYS.unbonding.decode(key));
      return;
    case 'provider':
      checkProvider(after, ...STATE_KEYS.provider.decode(key));
      return;
    case 'source':
      checkSource(after, ...STATE_KEYS.source.decode(key));
      return;
    case 'system':
      if (STATE_KEYS.system.decode(key)[0] === 'validators') checkActiveSet(after);
      return;
    default:
  }
}
