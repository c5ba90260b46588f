import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { cryptoBackends, type CryptoBackend } from '../../../protocol/crypto/backends.js';
import { loadNative } from '../../../protocol/crypto/native.js';

test('every primitive runs on its fast library here', () => {
  assert.deepEqual(
    cryptoBackends().map(({ primitive, library, slowBecause }) => [primitive, library, slowBecause]),
    [
      ['sha256', 'node:crypto', undefined],
      ['keccak256', 'hash-wasm', undefined],
      ['secp256k1', 'secp256k1/bindings', undefined],
      ['bls12-381', '@chainsafe/blst', undefined],
    ],
  );
});

test('a module that does not load leaves a reason', () => {
  const loaded = loadNative('no-such-native-module');
  assert.ok(!loaded.ok);
  assert.match(loaded.reason, /no-such-native-module/);
});

test('where Node.js is missing, all of it runs on the portable library and says so', async () => {
  const modules = new URL('../../../protocol/crypto/', import.meta.url).href;
  const worker = new Worker(
    `process.getBuiltinModule = undefined;
     const { parentPort } = require('node:worker_threads');
     const load = (name) => import(${JSON.stringify(modules)} + name);
     Promise.all([load('backends.js'), load('secp256k1.js'), load('bls.js')]).then(([backends, curve, { bls }]) => {
       const key = new Uint8Array(32).fill(1);
       parentPort.postMessage({
         backends: backends.cryptoBackends(),
         length: curve.secp256k1.publicKey(key).length + bls.publicKey(key).length,
       });
     });`,
    { eval: true },
  );
  const answer = await new Promise<{ backends: CryptoBackend[]; length: number }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  assert.equal(answer.length, 65 + 48);
  for (const { library, slowBecause } of answer.backends) {
    assert.match(library, /^@noble/);
    assert.equal(slowBecause, 'not running in Node.js');
  }
});
