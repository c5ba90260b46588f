import { parentPort } from 'node:worker_threads';
import { OP } from '../../../node/signatures/wire.js';

/** A worker that dies of a same-message request, answers possession proofs with yes and never answers a recovery. */
parentPort?.on('message', (request: Uint8Array) => {
  if (request[0] === OP.sameMessage) throw new Error('died on purpose');
  if (request[0] === OP.possession) parentPort?.postMessage(Uint8Array.of(1));
  if (request[0] === OP.close) parentPort?.close();
});
