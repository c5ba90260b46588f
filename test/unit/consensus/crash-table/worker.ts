import { parentPort } from 'node:worker_threads';
import { simulatedChain } from '../../../sim/consensus/chain.js';
import { SCRIPTS } from './scripts.js';
import { tableOf } from './table.js';

/* Makes tables on a thread of its own, since the test runner slows every promise of its own thread down. */

parentPort?.on('message', (number: number) => {
  void answer(number);
});

async function answer(number: number): Promise<void> {
  const script = SCRIPTS[number];
  if (script === undefined) throw new RangeError(`there is no script ${number}`);
  parentPort?.postMessage(await tableOf(await simulatedChain(4, false), script));
}
