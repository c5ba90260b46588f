import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { PRESETS } from '../../../protocol/presets.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { decodeTransaction } from '../../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { SenderRecovery, type SenderRecoveryOptions } from '../../../node/mempool/recovery.js';
import { countedRecovery, signedEnvelope } from '../../support/mempool-journal.js';

const DECODE = { chainId: BigInt(PRESETS.devnet.chainId) };

function create(
  options: Partial<SenderRecoveryOptions> = {},
): ReturnType<typeof countedRecovery> & { recovery: SenderRecovery } {
  const counted = countedRecovery();
  return { ...counted, recovery: new SenderRecovery({ ...counted, decode: DECODE, ...options }) };
}

/** No point of secp256k1 has this x. */
const NO_ABSCISSA = 5;

const total = (batches: readonly number[]): number => batches.reduce((sum, size) => sum + size, 0);

describe('senders', () => {
  test('come in the order of the envelopes, in bounded batches', async () => {
    const { recovery, batches } = create({ maxBatch: 4 });
    const envelopes = Array.from({ length: 10 }, (_, i) => signedEnvelope(i + 1));
    const outcomes = await recovery.recoverAll(envelopes);
    for (const [i, outcome] of outcomes.entries()) {
      const { transaction, signingHash } = decodeTransaction(envelopes[i] ?? new Uint8Array(0), DECODE);
      assert.ok(outcome.ok);
      assert.deepEqual(outcome.recovered.sender, recoverSender(signingHash, transaction.signature));
      assert.deepEqual(outcome.recovered.transaction, transaction);
      assert.deepEqual(outcome.recovered.hash, keccak256(envelopes[i] ?? new Uint8Array(0)));
    }
    assert.deepEqual(batches, [4, 4, 2]);
  });

  test('are recovered once: of duplicates, of concurrent calls, of what was seen before, of what the pool has', async () => {
    const [first, second, third] = [1, 2, 3].map((key) => signedEnvelope(key));
    assert.ok(first && second && third);
    const elsewhere = create();
    const [outcome] = await elsewhere.recovery.recoverAll([third]);
    assert.ok(outcome?.ok);
    const pooled = outcome.recovered;
    const { recovery, batches } = create({
      known: (hash) => (Buffer.compare(hash, pooled.hash) === 0 ? pooled : undefined),
    });
    const [a, b] = await Promise.all([
      recovery.recoverAll([first, first, second, third]),
      recovery.recoverAll([second, first]),
    ]);
    assert.equal(a[0], a[1]);
    assert.deepEqual([b[0], b[1]], [a[2], a[0]]);
    assert.ok(a[3]?.ok && a[3].recovered === pooled);
    assert.equal((await recovery.recoverAll([second]))[0], a[2]);
    assert.ok(a[0]?.ok);
    assert.equal(recovery.find(keccak256(first)), a[0].recovered);
    assert.equal(recovery.find(keccak256(third)), pooled);
    assert.equal(total(batches), 2);
  });

  test('a signature nobody made is an outcome, and not tried again', async () => {
    const { transaction } = decodeTransaction(signedEnvelope(1), DECODE);
    const rs = transaction.signature.rs.slice();
    rs.fill(0, 0, 31);
    rs[31] = NO_ABSCISSA;
    const bad = encodeTransaction({ ...transaction, signature: { rs, yParity: 0 } });
    const { recovery, batches } = create();
    for (let i = 0; i < 3; i++) {
      const [outcome] = await recovery.recoverAll([bad]);
      assert.ok(outcome?.ok === false);
      assert.equal(outcome.error.code, 'TX_SENDER_UNRECOVERABLE');
    }
    assert.equal(total(batches), 1);
  });

  test('what is no transaction of this chain is an outcome and costs no signature', async () => {
    const { recovery, batches } = create();
    const outcomes = await recovery.recoverAll([
      new Uint8Array(0),
      Uint8Array.of(3),
      signedEnvelope(1, { chainId: 1n }),
      signedEnvelope(1).subarray(0, 90),
    ]);
    const codes = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.code));
    assert.deepEqual(codes, ['TX_EMPTY', 'TX_TYPE_BLOB_UNSUPPORTED', 'TX_CHAIN_ID_WRONG', 'RLP_OVERRUN']);
    assert.deepEqual(batches, []);
  });

  test('an envelope may change after the call', async () => {
    const { recovery } = create();
    const envelope = signedEnvelope(1);
    const hash = keccak256(envelope);
    const promise = recovery.recoverAll([envelope]);
    envelope.fill(0);
    const [outcome] = await promise;
    assert.ok(outcome?.ok);
    assert.deepEqual(keccak256(outcome.recovered.bytes), hash);
  });
});

describe('bounds', () => {
  test('too many in one call, too many waiting', async () => {
    const { recovery } = create({ maxInFlight: 3 });
    await assert.rejects(recovery.recoverAll(Array.from({ length: 65_537 }, () => new Uint8Array(1))), {
      code: 'RECOVERY_TOO_MANY',
    });
    const first = recovery.recoverAll([signedEnvelope(1), signedEnvelope(2)]);
    await assert.rejects(recovery.recoverAll([signedEnvelope(3), signedEnvelope(4)]), {
      code: 'RECOVERY_BUSY',
    });
    const again = recovery.recoverAll([signedEnvelope(1), signedEnvelope(3)]);
    assert.deepEqual(
      (await first).map(({ ok }) => ok),
      [true, true],
    );
    assert.deepEqual(
      (await again).map(({ ok }) => ok),
      [true, true],
    );
    assert.equal((await recovery.recoverAll([signedEnvelope(4)]))[0]?.ok, true);
  });

  test('the cache forgets the oldest', async () => {
    const { recovery, batches } = create({ maxCached: 2 });
    for (const key of [1, 2, 3, 2, 3, 1]) await recovery.recoverAll([signedEnvelope(key)]);
    assert.equal(total(batches), 4);
    const bytes = create({ maxCachedBytes: 2 * signedEnvelope(1).length + 10 });
    for (const key of [1, 2, 3, 2, 3, 1]) await bytes.recovery.recoverAll([signedEnvelope(key)]);
    assert.equal(total(bytes.batches), 4);
  });

  test('after a failure nothing waits, and the next call tries again', async () => {
    const counted = countedRecovery();
    let fails = true;
    const recovery = new SenderRecovery({
      decode: DECODE,
      maxBatch: 2,
      maxInFlight: 5,
      recover: async (batch) => {
        if (fails) throw new RangeError('worker died');
        return counted.recover(batch);
      },
    });
    const envelopes = [1, 2, 3, 4, 5].map((key) => signedEnvelope(key));
    await assert.rejects(recovery.recoverAll(envelopes), { message: 'worker died' });
    fails = false;
    assert.ok((await recovery.recoverAll(envelopes)).every(({ ok }) => ok));
  });
});
