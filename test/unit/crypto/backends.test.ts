import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  cryptoBackends,
  type CryptoBackend,
  type CryptoPrimitive,
} from '../../../protocol/crypto/backends.js';
import { loadNative } from '../../../protocol/crypto/native.js';
import { excuse, skipWithout, type PrebuiltModule } from './prebuilt.js';

const FAST_LIBRARIES: [CryptoPrimitive, string, PrebuiltModule?][] = [
  ['sha256', 'node:crypto'],
  ['keccak256', 'hash-wasm'],
  ['secp256k1', 'secp256k1/bindings', 'secp256k1'],
  ['bls12-381', '@chainsafe/blst', 'blst'],
];

test('every primitive is reported once', () => {
  assert.deepEqual(
    cryptoBackends().map(({ primitive }) => primitive),
    FAST_LIBRARIES.map(([primitive]) => primitive),
  );
});

for (const [primitive, library, module] of FAST_LIBRARIES) {
  const skip = module === undefined ? false : skipWithout(module);
  test(`${primitive} runs on its fast library here`, { skip }, () => {
    const backend = cryptoBackends().find((candidate) => candidate.primitive === primitive);
    assert.deepEqual(backend, { primitive, library, slowBecause: undefined });
  });
}

test('a missing native module is excused only where it is not prebuilt', () => {
  assert.equal(excuse('secp256k1', undefined, 'linux-arm64'), false);
  for (const module of ['secp256k1', 'blst', 'hashtree'] as const) {
    assert.equal(excuse(module, 'no binary', 'linux-x64'), false);
    assert.match(String(excuse(module, 'no binary', 'linux-riscv64')), /not prebuilt for linux-riscv64/);
  }
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
