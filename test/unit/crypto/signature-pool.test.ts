import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setEnvironmentData, type Worker } from 'node:worker_threads';
import { SignaturePoolError } from '../../../node/signatures/errors.js';
import { SignaturePool } from '../../../node/signatures/pool.js';
import type { Recovery } from '../../../node/signatures/wire.js';
import { addressFromPublicKey } from '../../../protocol/address.js';
import { bls, MAX_BLS_BATCH, type SignedBy } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { secp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { FINISHED, GATE, OPEN } from './gated-worker.js';

const MESSAGE = new TextEncoder().encode('precommit');
const DYING_WORKER = new URL('./dying-worker.js', import.meta.url);
const STILLBORN_WORKER = new URL('./stillborn-worker.js', import.meta.url);
const GATED_WORKER = new URL('./gated-worker.js', import.meta.url);

function secretKey(index: number): Uint8Array {
  return sha256(Uint8Array.of(index >> 8, index & 0xff));
}

function recoveries(count: number): Recovery[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = sha256(secretKey(i));
    return { digest, ...secp256k1.sign(digest, secretKey(i)) };
  });
}

function expectedAddress(index: number): Uint8Array {
  return addressFromPublicKey(secp256k1.publicKey(secretKey(index)));
}

/** BLS secret keys are below r, which a SHA-256 digest need not be. */
function blsSecretKey(index: number): Uint8Array {
  const key = secretKey(index);
  key[0] = 0;
  return key;
}

function votes(count: number): SignedBy[] {
  return Array.from({ length: count }, (_, i) => ({
    key: bls.parsePublicKey(bls.publicKey(blsSecretKey(i))),
    signature: bls.sign(blsSecretKey(i), MESSAGE),
  }));
}

function isPoolError(code: SignaturePoolError['code']): (error: unknown) => boolean {
  return (error) => error instanceof SignaturePoolError && error.code === code;
}

describe('answers', () => {
  const pool = new SignaturePool({ workers: 2 });
  after(() => pool.close());

  test('recovers the addresses of one call in order, across several tasks', async () => {
    const batch = recoveries(300);
    const addresses = await pool.recoverAddresses(batch);
    assert.deepEqual(
      addresses,
      batch.map((_, i) => expectedAddress(i)),
    );
    assert.ok(batch[0]?.digest.length === 32, 'the caller keeps its bytes');
  });

  test('joins small calls without mixing their answers', async () => {
    const batch = recoveries(40);
    const calls = batch.map((recovery, i) =>
      pool.recoverAddresses(i % 3 === 0 ? [recovery, recovery] : [recovery]),
    );
    for (const [i, addresses] of (await Promise.all(calls)).entries()) {
      const expected = expectedAddress(i);
      assert.deepEqual(addresses, i % 3 === 0 ? [expected, expected] : [expected]);
    }
  });

  test('what cannot be recovered is undefined and leaves its neighbours alone', async () => {
    const [good] = recoveries(1);
    assert.ok(good !== undefined);
    const bad: Recovery[] = [
      { ...good, digest: new Uint8Array(31) },
      { ...good, signature: new Uint8Array(65) },
      { ...good, signature: new Uint8Array(64) },
      { ...good, yParity: 2 },
      { ...good, yParity: 256 },
      { ...good, yParity: Number.NaN },
    ];
    const addresses = await pool.recoverAddresses([...bad, good]);
    assert.deepEqual(addresses, [...bad.map(() => undefined), expectedAddress(0)]);
    assert.deepEqual(await pool.recoverAddresses([]), []);
  });

  test('names the votes that are not signed by their key', async () => {
    const batch = votes(12);
    assert.deepEqual(await pool.findInvalid(batch, MESSAGE), []);
    assert.deepEqual(await pool.findInvalid([], MESSAGE), []);
    const [first, second] = batch;
    assert.ok(first !== undefined && second !== undefined);
    batch[3] = { key: first.key, signature: second.signature };
    batch[7] = { key: first.key, signature: new Uint8Array(95) };
    assert.deepEqual(await pool.findInvalid(batch, MESSAGE), [3, 7]);
    assert.deepEqual(await pool.findInvalid(batch.slice(0, 2), new Uint8Array(0)), [0, 1]);
  });

  test('a key that is none spoils its own vote alone, however often it comes', async () => {
    const batch = votes(6);
    const infinity = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));
    for (const [i, bytes] of [new Uint8Array(48), new Uint8Array(47), infinity].entries()) {
      batch[2 * i] = { key: { bytes }, signature: new Uint8Array(96) };
    }
    for (let round = 0; round < 12; round++) {
      assert.deepEqual(await pool.findInvalid(batch, MESSAGE), [0, 2, 4], `round ${round}`);
      assert.deepEqual(await pool.findInvalid(batch.slice(0, 1), MESSAGE), [0]);
    }
  });

  test('checks proofs of possession', async () => {
    const publicKey = bls.publicKey(blsSecretKey(1));
    const proof = bls.provePossession(blsSecretKey(1));
    assert.equal(await pool.verifyPossession(publicKey, proof), true);
    assert.equal(await pool.verifyPossession(bls.publicKey(blsSecretKey(2)), proof), false);
    assert.equal(await pool.verifyPossession(publicKey.subarray(1), proof), false);
    assert.equal(await pool.verifyPossession(publicKey, new Uint8Array(0)), false);
  });

  test('refuses a batch no BLS call would take', async () => {
    const [vote] = votes(1);
    assert.ok(vote !== undefined);
    const tooMany = Array.from({ length: MAX_BLS_BATCH + 1 }, () => vote);
    await assert.rejects(pool.findInvalid(tooMany, MESSAGE), isPoolError('BATCH_TOO_LARGE'));
  });
});

test('a full queue refuses the whole call, per kind of work, and recovers', async () => {
  const pool = new SignaturePool({ workers: 1, maxQueuedRecoveries: 200, maxQueuedVotes: 2 });
  const inWork = pool.recoverAddresses(recoveries(128));
  const waiting = pool.recoverAddresses(recoveries(200));
  await assert.rejects(pool.recoverAddresses(recoveries(1)), isPoolError('QUEUE_FULL'));
  const vote = pool.findInvalid(votes(2), MESSAGE);
  await assert.rejects(pool.findInvalid(votes(1), MESSAGE), isPoolError('QUEUE_FULL'));
  await assert.rejects(pool.recoverAddresses(recoveries(201)), isPoolError('QUEUE_FULL'));
  assert.deepEqual(await vote, []);
  assert.equal((await inWork).length, 128);
  assert.equal((await waiting).length, 200);
  assert.deepEqual(await pool.recoverAddresses(recoveries(1)), [expectedAddress(0)]);
  await pool.close();
});

test('a call that cannot be packed queues nothing', async () => {
  const pool = new SignaturePool({ workers: 1, maxQueuedRecoveries: 131 });
  const unreadable: Recovery = {
    get digest(): Uint8Array {
      throw new RangeError('unreadable');
    },
    signature: new Uint8Array(64),
    yParity: 0,
  };
  await assert.rejects(pool.recoverAddresses([...recoveries(130), unreadable]), RangeError);
  assert.equal((await pool.recoverAddresses(recoveries(131))).length, 131);
  await pool.close();
});

test('votes overtake queued recoveries, and those overtake possession proofs', async () => {
  const pool = new SignaturePool({ workers: 1 });
  const order: string[] = [];
  const note = (name: string) => (): void => void order.push(name);
  await Promise.all([
    pool.recoverAddresses(recoveries(1)).then(note('in work')),
    pool.verifyPossession(new Uint8Array(48), new Uint8Array(96)).then(note('possession')),
    pool.recoverAddresses(recoveries(2)).then(note('recoveries')),
    pool.findInvalid(votes(1), MESSAGE).then(note('vote')),
  ]);
  assert.deepEqual(order, ['in work', 'vote', 'recoveries', 'possession']);
  await pool.close();
});

test('closing fails what is queued and in work, and every later call', async () => {
  const pool = new SignaturePool({ workers: 1, workerUrl: DYING_WORKER });
  const pending = [
    pool.recoverAddresses(recoveries(1)),
    pool.recoverAddresses(recoveries(1)),
    pool.findInvalid(votes(1), MESSAGE),
  ];
  const outcomes = Promise.allSettled(pending);
  await pool.close();
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === 'rejected' && isPoolError('POOL_CLOSED')(outcome.reason));
  }
  await assert.rejects(pool.recoverAddresses(recoveries(1)), isPoolError('POOL_CLOSED'));
  await pool.close();
});

interface GatedPool {
  readonly pool: SignaturePool;
  readonly gate: Int32Array;
  /** All workers the process ever hires after this pool, its own two first; the pool gives its first task to the first. */
  readonly hired: readonly Worker[];
}

async function gatedPool(closeTimeoutMs: number): Promise<GatedPool> {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  setEnvironmentData(GATE, gate);
  const hired: Worker[] = [];
  process.on('worker', (worker) => void hired.push(worker));
  const pool = new SignaturePool({ workers: 2, workerUrl: GATED_WORKER, closeTimeoutMs });
  await nextTurn();
  assert.equal(hired.length, 2);
  return { pool, gate, hired };
}

function openGate(gate: Int32Array): void {
  Atomics.store(gate, OPEN, 1);
  Atomics.notify(gate, OPEN);
}

test('closing lets a busy worker finish its task and hires nobody for those that left', async () => {
  const { pool, gate, hired } = await gatedPool(60_000);
  const inWork = pool.recoverAddresses(recoveries(1));
  const closing = pool.close();
  await assert.rejects(inWork, isPoolError('POOL_CLOSED'));
  const [busy, idle] = hired;
  assert.ok(busy !== undefined && idle !== undefined);
  await once(idle, 'exit');
  openGate(gate);
  await closing;
  await nextTurn();
  assert.equal(Atomics.load(gate, FINISHED), 1);
  assert.equal(hired.length, 2);
  assert.equal(busy.threadId, -1, 'the worker is gone');
});

test('closing leaves a worker behind that does not finish, and it keeps no process alive', async () => {
  const { pool, gate, hired } = await gatedPool(100);
  const inWork = pool.recoverAddresses(recoveries(1));
  const outcome = assert.rejects(inWork, isPoolError('POOL_CLOSED'));
  await pool.close();
  await outcome;
  const [busy] = hired;
  assert.ok(busy !== undefined);
  assert.notEqual(busy.threadId, -1, 'the worker was not killed');
  assert.ok(!process.getActiveResourcesInfo().includes('Worker'), process.getActiveResourcesInfo().join(' '));
  busy.ref();
  openGate(gate);
  await once(busy, 'exit');
  await nextTurn();
  assert.equal(Atomics.load(gate, FINISHED), 1);
  assert.equal(hired.length, 2);
});

test('a worker that dies fails its task alone and is replaced', async () => {
  const pool = new SignaturePool({ workers: 1, workerUrl: DYING_WORKER });
  const vote = votes(1);
  for (let round = 0; round < 12; round++) {
    const doomed = pool.findInvalid(vote, MESSAGE);
    const next = pool.verifyPossession(new Uint8Array(48), new Uint8Array(96));
    await assert.rejects(doomed, (error) => {
      assert.ok(isPoolError('WORKER_DIED')(error));
      assert.match(String((error as Error).cause), /died on purpose/);
      return true;
    });
    assert.equal(await next, true);
  }
  await pool.close();
});

test('workers that die as fast as they start are given up', async () => {
  const pool = new SignaturePool({ workers: 2, workerUrl: STILLBORN_WORKER });
  const tasks = Array.from({ length: 40 }, () => pool.findInvalid(votes(1), MESSAGE));
  const codes = (await Promise.allSettled(tasks)).map((outcome) => {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof SignaturePoolError);
    return outcome.reason.code;
  });
  assert.deepEqual(new Set(codes), new Set(['WORKER_DIED', 'WORKERS_EXHAUSTED']));
  await assert.rejects(pool.recoverAddresses(recoveries(1)), isPoolError('WORKERS_EXHAUSTED'));
  await pool.close();
});
