import type { KeyPossession } from '../../consensus/light/proven-set.js';
import type { LightSource } from '../../p2p/light-requests.js';
import { toHex } from '../../protocol/bytes.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { readPastState } from '../../state/chain/past-state.js';
import { hasBlock, PastStateError } from '../../state/chain/window.js';
import { validatorsAt } from '../../state/staking/active-set.js';
import { keyOwners } from '../../state/staking/validator.js';
import type { Reader, Store } from '../../state/store/store.js';
import { storedBlock, storedCommit } from '../consensus/stored-blocks.js';

/** What a ledger tells light clients: of the heights whose blocks it has. */
export function storeLightSource(store: Store): LightSource {
  return async (height) => {
    if (!hasBlock(store, height)) return undefined;
    const [block, extended] = [storedBlock(store, height), storedCommit(store, height)];
    if (block === undefined || extended === undefined) return undefined;
    try {
      return await readPastState(store, height, (view) => {
        const validators = validatorsAt(view, height);
        const nextValidators = validatorsAt(view, height + 1);
        const possessions = possessionsOf(view, [...validators, ...nextValidators]);
        return { header: block.header, commit: extended.commit, validators, nextValidators, possessions };
      });
    } catch (error) {
      if (error instanceof PastStateError) return undefined;
      throw error;
    }
  };
}

/** Of each key once. */
function possessionsOf(view: Reader, members: ValidatorSet): KeyPossession[] {
  const keys = new Map(members.map(({ blsPublicKey }) => [toHex(blsPublicKey), blsPublicKey]));
  return [...keys.values()].flatMap((blsPublicKey) => {
    const owner = keyOwners.find(view, blsPublicKey);
    return owner === undefined ? [] : [{ blsPublicKey, proof: owner.proofOfPossession }];
  });
}
