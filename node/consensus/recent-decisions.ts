import type { DecidedHeight } from '../../consensus/signer/guard.js';
import { PastStateError } from '../../state/chain/window.js';
import { readPastState } from '../../state/chain/past-state.js';
import { validatorsAt } from '../../state/staking/active-set.js';
import type { Store } from '../../state/store/store.js';
import { progressRecord } from '../../state/system/chain.js';
import { storedCommit } from './stored-blocks.js';

/** The last heights with their commits and sets, the latest first: fewer than `count` where the chain or its history is shorter. */
export async function recentDecisions(store: Store, count: number): Promise<DecidedHeight[]> {
  const decisions: DecidedHeight[] = [];
  const { height: tip } = progressRecord.read(store);
  for (let height = tip; height > 0 && decisions.length < count; height--) {
    const commit = storedCommit(store, height)?.commit;
    const validators = commit && (await setAt(store, height));
    if (commit === undefined || validators === undefined) break;
    decisions.push({ commit, validators });
  }
  return decisions;
}

async function setAt(store: Store, height: number): Promise<DecidedHeight['validators'] | undefined> {
  try {
    return await readPastState(store, height, (view) => validatorsAt(view, height));
  } catch (error) {
    if (error instanceof PastStateError) return undefined;
    throw error;
  }
}
