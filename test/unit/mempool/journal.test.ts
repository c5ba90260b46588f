import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { joinBytes, toHex } from '../../../protocol/bytes.js';
import { keccak256 } from '../../../protocol/crypto/hash.js';
import { PRESETS } from '../../../protocol/presets.js';
import { journalFileAt } from '../../../node/mempool/journal-file.js';
import {
  decodeJournal,
  encodeJournal,
  encodeJournalHeader,
  encodeJournalRecord,
} from '../../../node/mempool/journal-format.js';
import { MempoolJournal, type JournalFile, type JournalOptions } from '../../../node/mempool/journal.js';
import { Mempool } from '../../../node/mempool/mempool.js';
import { pricesOf, type PoolEntry, type Source } from '../../../node/mempool/entry.js';
import { SenderRecovery } from '../../../node/mempool/recovery.js';
import { GWEI, TestLedger } from '../../support/ledger.js';
import { countedRecovery, MemoryJournalFile, signedEnvelope } from '../../support/mempool-journal.js';
import { sentBy } from '../../support/mempool.js';
import { createPrng } from '../../support/prng.js';

const CHAIN_ID = PRESETS.devnet.chainId;
const IDENTITY = { chainId: CHAIN_ID, genesisId: new Uint8Array(32).fill(0x6e) };
const ENVELOPES = [
  signedEnvelope(1),
  signedEnvelope(1, { nonce: 1n, data: new Uint8Array(40).fill(7), gasLimit: 30_000n }),
  signedEnvelope(2),
  signedEnvelope(3, { nonce: 2n }),
  signedEnvelope(2, { nonce: 1n }),
];

interface Node {
  readonly pool: Mempool;
  readonly journal: MempoolJournal;
  readonly recovery: SenderRecovery;
  readonly ledger: TestLedger;
  readonly clock: { ms: number };
  readonly batches: readonly number[];
  readonly faults: unknown[];
}

/** A node as it comes up on a journal, before it has read it. */
async function nodeOn(
  file: JournalFile,
  options: Partial<JournalOptions> = {},
  nowMs = 10_000,
): Promise<Node> {
  const { recover, batches } = countedRecovery();
  const ledger = new TestLedger();
  const clock = { ms: nowMs };
  const faults: unknown[] = [];
  const journal: MempoolJournal = new MempoolJournal({
    file,
    identity: IDENTITY,
    live: () => pool.entries(),
    isIncluded: () => false,
    onFault: (error) => faults.push(error),
    ...options,
  });
  const pool: Mempool = new Mempool({
    state: ledger,
    nowMs: () => clock.ms,
    onAccepted: (entry) => {
      journal.record(entry);
    },
  });
  const recovery = new SenderRecovery({
    recover,
    decode: { chainId: BigInt(CHAIN_ID) },
    known: (hash) => pool.get(hash),
  });
  for (const key of [1, 2, 3, 4]) {
    const [outcome] = await new SenderRecovery({
      recover: countedRecovery().recover,
      decode: { chainId: BigInt(CHAIN_ID) },
    }).recoverAll([signedEnvelope(key)]);
    assert.ok(outcome?.ok);
    ledger.setAccount(outcome.recovered.sender, { balanceWei: WEI_PER_OGPU });
  }
  return { pool, journal, recovery, ledger, clock, batches, faults };
}

async function give(
  { pool, recovery }: Node,
  envelopes: readonly Uint8Array[],
  source: Source = 'peer',
): Promise<void> {
  for (const outcome of await recovery.recoverAll(envelopes)) {
    assert.ok(outcome.ok);
    pool.add(outcome.recovered, source);
  }
}

const contentOf = ({ pool }: Node): string[] =>
  [...pool.entries()].map(({ recovered }) => toHex(recovered.bytes));
const texts = (envelopes: readonly Uint8Array[]): string[] => envelopes.map((bytes) => toHex(bytes));

/** The file of a node that took in all envelopes and died. */
async function writtenFile(): Promise<Uint8Array> {
  const file = new MemoryJournalFile();
  const node = await nodeOn(file);
  await node.journal.restore(node.pool, node.recovery);
  await give(node, ENVELOPES.slice(0, 3));
  await node.journal.flush();
  await give(node, ENVELOPES.slice(3), 'local');
  await node.journal.flush();
  return file.bytes;
}

describe('a restart', () => {
  test('brings everything back in the same order, with source and age; each signature is verified once', async () => {
    const file = new MemoryJournalFile(await writtenFile());
    const node = await nodeOn(file, {}, 20_000);
    const report = await node.journal.restore(node.pool, node.recovery);
    assert.deepEqual(report, { restored: 5, included: 0, refused: {}, damagedBytes: 0 });
    assert.deepEqual(contentOf(node), texts(ENVELOPES));
    assert.deepEqual(
      [...node.pool.entries()].map(({ source, arrivedAtMs }) => [source, arrivedAtMs]),
      [
        ...Array.from({ length: 3 }, () => ['peer', 10_000]),
        ...Array.from({ length: 2 }, () => ['local', 10_000]),
      ],
    );
    await node.recovery.recoverAll(ENVELOPES);
    assert.deepEqual(node.batches, [5]);
  });

  test('admits anew: what was included or cannot be paid any more is refused and counted', async () => {
    const file = new MemoryJournalFile(await writtenFile());
    const node = await nodeOn(file);
    const [first, , third] = await node.recovery.recoverAll(ENVELOPES);
    assert.ok(first?.ok && third?.ok);
    node.ledger.setAccount(first.recovered.sender, { nonce: 1, balanceWei: WEI_PER_OGPU });
    node.ledger.setAccount(third.recovered.sender, { balanceWei: 0n });
    const report = await node.journal.restore(node.pool, node.recovery);
    assert.deepEqual(report.refused, { TX_NONCE_TOO_LOW: 1, TX_INSUFFICIENT_FUNDS: 2 });
    assert.equal(report.restored, 2);
    assert.equal(decodeJournal(file.bytes, IDENTITY).records.length, 2);
  });

  test('verifies no signature of what a block holds', async () => {
    const file = new MemoryJournalFile(await writtenFile());
    const done = new Set(texts(ENVELOPES.slice(0, 2).map((envelope) => keccak256(envelope))));
    const node = await nodeOn(file, { isIncluded: (hash) => done.has(toHex(hash)) });
    const { restored, included, refused } = await node.journal.restore(node.pool, node.recovery);
    assert.deepEqual([restored, included, refused], [3, 2, {}]);
    assert.deepEqual(contentOf(node), texts(ENVELOPES.slice(2)));
    assert.deepEqual(node.batches, [3]);
  });

  test('after a clean end finds no more than the pool held', async () => {
    const file = new MemoryJournalFile(await writtenFile());
    const node = await nodeOn(file);
    await node.journal.restore(node.pool, node.recovery);
    const [first] = node.pool.entries();
    assert.ok(first !== undefined);
    node.ledger.setAccount(first.recovered.sender, { nonce: 2, balanceWei: WEI_PER_OGPU });
    node.pool.onBlock({ state: node.ledger, touched: [first.recovered.sender], included: [] });
    await node.journal.close();
    assert.deepEqual(
      decodeJournal(file.bytes, IDENTITY).records.map(({ envelope }) => toHex(envelope)),
      texts(ENVELOPES.slice(2)),
    );
  });

  test('a second one finds what was accepted after the first', async () => {
    const file = new MemoryJournalFile(await writtenFile());
    const node = await nodeOn(file);
    await node.journal.restore(node.pool, node.recovery);
    await give(node, [signedEnvelope(4)]);
    await node.journal.flush();
    const later = await nodeOn(file);
    await later.journal.restore(later.pool, later.recovery);
    assert.deepEqual(contentOf(later), [...texts(ENVELOPES), toHex(signedEnvelope(4))]);
    await assert.rejects(later.journal.restore(later.pool, later.recovery), { code: 'MEMPOOL_JOURNAL_BUSY' });
  });
});

describe('damage', () => {
  test('a file cut at any byte gives every whole record, says what it gave up, and is whole again afterwards', async () => {
    const bytes = await writtenFile();
    const ends = recordEnds(bytes);
    for (let length = 0; length < bytes.length; length++) {
      const file = new MemoryJournalFile(bytes.slice(0, length));
      const node = await nodeOnShared(file);
      const report = await node.journal.restore(node.pool, node.recovery);
      const whole = ends.filter((end) => end <= length).length - 1;
      assert.equal(report.restored, Math.max(0, whole), `cut at ${length}`);
      assert.equal(report.damagedBytes, length - (whole < 0 ? 0 : (ends[whole] ?? 0)), `cut at ${length}`);
      assert.deepEqual(contentOf(node), texts(ENVELOPES.slice(0, Math.max(0, whole))));
      assert.deepEqual(decodeJournal(file.bytes, IDENTITY).records.length, report.restored);
    }
  });

  test('a wrong byte anywhere loses what is behind it and invents nothing', async () => {
    const bytes = await writtenFile();
    const prng = createPrng(5);
    const ends = recordEnds(bytes);
    for (let at = 0; at < bytes.length; at++) {
      const rotten = bytes.slice();
      rotten[at] = (rotten[at] ?? 0) ^ (1 + prng.below(255));
      if (at < (ends[0] ?? 0)) {
        assert.throws(() => decodeJournal(rotten, IDENTITY), { code: 'MEMPOOL_JOURNAL_UNKNOWN' });
        continue;
      }
      const { records, damagedBytes } = decodeJournal(rotten, IDENTITY);
      const before = ends.filter((end) => end <= at).length - 1;
      assert.deepEqual(
        records.map(({ envelope }) => toHex(envelope)),
        texts(ENVELOPES.slice(0, before)),
      );
      assert.equal(damagedBytes, bytes.length - (ends[before] ?? 0));
    }
  });

  test('zeros behind the end, as some file systems leave them, are damage', async () => {
    const bytes = await writtenFile();
    for (const zeros of [...Array.from({ length: 40 }, (_, i) => i), 4_096]) {
      const { records, damagedBytes } = decodeJournal(joinBytes([bytes, new Uint8Array(zeros)]), IDENTITY);
      assert.deepEqual([records.length, damagedBytes], [5, zeros]);
    }
  });
});

describe('what is not ours', () => {
  test('a file of something else or of another chain is refused and left alone', async () => {
    const bytes = await writtenFile();
    const other = { ...IDENTITY, chainId: CHAIN_ID + 1 };
    const another = { ...IDENTITY, genesisId: new Uint8Array(32).fill(1) };
    for (const [content, code] of [
      [new TextEncoder().encode('a diary, kept by somebody'), 'MEMPOOL_JOURNAL_UNKNOWN'],
      [new Uint8Array(500), 'MEMPOOL_JOURNAL_UNKNOWN'],
      [joinBytes([encodeJournalHeader(other), bytes.subarray(52)]), 'MEMPOOL_JOURNAL_FOREIGN'],
      [encodeJournalHeader(another), 'MEMPOOL_JOURNAL_FOREIGN'],
    ] as const) {
      const file = new MemoryJournalFile(content);
      const node = await nodeOnShared(file);
      await assert.rejects(node.journal.restore(node.pool, node.recovery), { code });
      assert.deepEqual([node.pool.stats().count, file.bytes], [0, content]);
    }
  });

  test('records that nobody signed for this chain are refused, those around them are not', async () => {
    const record = (envelope: Uint8Array): Uint8Array => encodeJournalRecord(entryOf(envelope));
    const unsigned = sentBy(new Uint8Array(20).fill(9)).bytes;
    const file = new MemoryJournalFile(
      joinBytes([
        encodeJournalHeader(IDENTITY),
        record(signedEnvelope(1)),
        record(signedEnvelope(1, { chainId: 1n, nonce: 1n })),
        record(unsigned.subarray(0, 60)),
        record(signedEnvelope(1)),
        record(signedEnvelope(2)),
      ]),
    );
    const node = await nodeOnShared(file);
    const report = await node.journal.restore(node.pool, node.recovery);
    assert.deepEqual(report, {
      restored: 2,
      included: 0,
      refused: { TX_CHAIN_ID_WRONG: 1, RLP_OVERRUN: 1, MEMPOOL_KNOWN: 1 },
      damagedBytes: 0,
    });
  });
});

describe('the file', () => {
  test('is written anew when most of it is garbage, and stays within its bound', async () => {
    const file = new MemoryJournalFile();
    const node = await nodeOn(file, { slackBytes: 600, maxFileBytes: 2_000 });
    await node.journal.restore(node.pool, node.recovery);
    for (let [i, price] = [0, GWEI]; i < 40; i++, price = (price * 12n) / 10n) {
      await give(node, [signedEnvelope(1, { maxFeePerGas: price, maxPriorityFeePerGas: price })]);
      await node.journal.flush();
      assert.ok(file.bytes.length <= 2_000);
    }
    assert.ok(file.replaced > 4 && file.replaced < 20, `${file.replaced} times`);
    const later = await nodeOn(file);
    await later.journal.restore(later.pool, later.recovery);
    assert.deepEqual(contentOf(later), contentOf(node));
  });

  test('a disk that fails costs the pool nothing; when it works again the journal is whole', async () => {
    const file = new MemoryJournalFile();
    const node = await nodeOn(file);
    await node.journal.restore(node.pool, node.recovery);
    await give(node, ENVELOPES.slice(0, 1));
    await node.journal.flush();
    file.fails = true;
    await give(node, ENVELOPES.slice(1, 3));
    await node.journal.flush();
    assert.equal(node.faults.length, 1);
    assert.equal(node.pool.stats().count, 3);
    file.fails = false;
    const [last] = [...node.pool.entries()].slice(-1);
    assert.ok(last);
    for (let i = 0; i < 1_024; i++) node.journal.record(last);
    await give(node, ENVELOPES.slice(3));
    await node.journal.flush();
    const later = await nodeOn(file);
    await later.journal.restore(later.pool, later.recovery);
    assert.deepEqual(contentOf(later), texts(ENVELOPES));
    assert.equal(node.faults.length, 1);
  });

  test('what waits for a slow disk is bounded: beyond, the pool itself is written', async () => {
    const file = new MemoryJournalFile();
    const node = await nodeOn(file, { maxWaitingBytes: 300 });
    await node.journal.restore(node.pool, node.recovery);
    await give(node, ENVELOPES);
    await node.journal.flush();
    assert.ok(file.replaced >= 2);
    assert.deepEqual(
      decodeJournal(file.bytes, IDENTITY).records.map(({ envelope }) => toHex(envelope)),
      texts(ENVELOPES),
    );
  });

  test('on a disk: appended, replaced whole, a leftover of a crashed replacement does no harm', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ogpu-mempool-'));
    try {
      const path = join(folder, 'transactions.journal');
      const node = await nodeOn(journalFileAt(path));
      await node.journal.restore(node.pool, node.recovery);
      await give(node, ENVELOPES);
      await node.journal.flush();
      await writeFile(`${path}.new`, 'half of something');
      const written = await readFile(path);
      await writeFile(path, written.subarray(0, written.length - 1));
      const later = await nodeOn(journalFileAt(path));
      const report = await later.journal.restore(later.pool, later.recovery);
      assert.equal(report.restored, 4);
      assert.ok(report.damagedBytes > 0);
      assert.deepEqual(
        new Uint8Array(await readFile(path)),
        joinBytes([...encodeJournal(IDENTITY, later.pool.entries())]),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** As `nodeOn`, with senders recovered only once for all nodes of a test file: signatures are not what these tests are about. */
async function nodeOnShared(file: JournalFile): Promise<Node> {
  SHARED ??= await nodeOn(new MemoryJournalFile());
  const { ledger, recovery } = SHARED;
  const clock = { ms: 10_000 };
  const journal: MempoolJournal = new MempoolJournal({
    file,
    identity: IDENTITY,
    live: () => pool.entries(),
    isIncluded: () => false,
    onFault: (error) => assert.fail(String(error)),
  });
  const pool: Mempool = new Mempool({ state: ledger, nowMs: () => clock.ms });
  return { ...SHARED, pool, journal, recovery, clock };
}

let SHARED: Node | undefined;

/** Where the header and each record end. */
function recordEnds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const ends = [52];
  for (let at = 52; at < bytes.length; ends.push(at)) at += 8 + view.getUint32(at);
  return ends;
}

function entryOf(bytes: Uint8Array): PoolEntry {
  const recovered = { ...sentBy(new Uint8Array(20)), bytes };
  const prices = { ...pricesOf(recovered.transaction), maxCostWei: 1n, tipWei: 1n, worthWei: 1n };
  return { recovered, source: 'peer', nonce: 0, ...prices, arrival: 0, arrivedAtMs: 5, isExempt: false };
}
