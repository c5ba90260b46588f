import { getEnvironmentData, isMainThread, parentPort } from 'node:worker_threads';
import { OP } from '../../../node/signatures/wire.js';

/** Environment data: a shared Int32Array of the two fields below. */
export const GATE = 'gate';
/** Set and notified by the test: tasks may finish. */
export const OPEN = 0;
/** Tasks finished so far. */
export const FINISHED = 1;

/** A worker whose every task blocks its thread until the gate is open. */
if (!isMainThread) {
  const gate = getEnvironmentData(GATE) as unknown as Int32Array;
  parentPort?.on('message', (request: Uint8Array) => {
    if (request[0] === OP.close) {
      parentPort?.close();
      return;
    }
    Atomics.wait(gate, OPEN, 0);
    Atomics.add(gate, FINISHED, 1);
    parentPort?.postMessage(new Uint8Array(21));
  });
}
