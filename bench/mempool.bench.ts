import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { changedAccounts } from '../node/mempool/changed-accounts.js';
import type { RecoveredTransaction } from '../node/mempool/entry.js';
import { Mempool } from '../node/mempool/mempool.js';
import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { OgpuError } from '../protocol/errors.js';
import { PRESETS } from '../protocol/presets.js';
import { decodeTransaction } from '../protocol/transactions/decode.js';
import { encodeAccount, readAccount } from '../state/accounts/account.js';
import { keyText } from '../state/store/key-text.js';
import { STATE_KEYS } from '../state/store/keys.js';
import type { Reader } from '../state/store/store.js';
import { transition } from '../state/transition/transition.js';
import { GWEI, nextInput, TestLedger } from '../test/support/ledger.js';
import { person, sentBy, setBaseFee } from '../test/support/mempool.js';
import { createPrng, type Prng } from '../test/support/prng.js';
import type { Measurement, Suite } from './harness.js';

/** A full pool of 100,000: by sender one transaction each, and a hundred each. Signatures are not part of it, reading accounts from memory is. */
export const suite: Suite = { measurements };

const COUNT = 100_000;
const BLOCK = 5_000;
const REPEATS = 5;
const CONFIG = { maxCount: COUNT, maxBytes: 64 * 1024 * 1024 };

async function measurements(): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const perSender of [1, 100]) {
    results.push(...measure(perSender));
    await Promise.resolve();
  }
  return results;
}

function measure(perSender: number): Measurement[] {
  const prng = createPrng(perSender);
  const state = stateOf(new TestLedger(), COUNT / perSender);
  const results: Measurement[] = [];
  const note = (what: string, value: string, goal?: string): void => {
    results.push({
      name: `mempool/${what}/${perSender}-per-sender`,
      value,
      ...(goal === undefined ? {} : { goal }),
    });
  };
  const before = memoryBytes();
  const transactions = shuffledByNonce(prng, perSender);
  const between = memoryBytes();
  const pool = new Mempool({ state: state.reader, nowMs: () => 1, config: CONFIG });
  const fillMs = timed(() => {
    for (const each of transactions) pool.add(each, 'peer');
  });
  const after = memoryBytes();
  note('add', rate(COUNT, fillMs), '≥ 50,000 /s');
  note(
    'memory',
    `${Math.round((after - between) / COUNT)} B a transaction, and ${Math.round((between - before) / COUNT)} B decoded`,
  );
  note('add-to-a-full-pool', fullPool(pool, prng));
  note('select-5000', selecting(pool, state.reader), '≤ 50 ms');
  note('block-of-5000', blocks(pool, state), '≤ 100 ms, 10,000 senders touched');
  return results;
}

/** Newcomers that evict, and dust that is refused. */
function fullPool(pool: Mempool, prng: Prng): string {
  const strangers = Array.from({ length: BLOCK }, () => COUNT + prng.below(BLOCK * 20));
  const offers = (tipWei: bigint): RecoveredTransaction[] =>
    strangers.map((number) => sentBy(person(number), { tipWei: tipWei + BigInt(number) }));
  const [good, dust] = [offers(5n * GWEI), offers(1n)];
  const run = (list: readonly RecoveredTransaction[]): number =>
    timed(() => {
      for (const each of list) offer(pool, each);
    });
  return `taken ${rate(BLOCK, run(good))}, refused ${rate(BLOCK, run(dust))}`;
}

function selecting(pool: Mempool, state: Reader): string {
  const request = { state, gasLimit: 10 ** 9, maxBytes: 4 * 1024 * 1024, maxCount: BLOCK };
  const select = (baseFeeWei: bigint): number =>
    timed(() => {
      const { length } = pool.select({ ...request, baseFeeWei });
      if (length !== BLOCK) throw new RangeError(`${length} were selected`);
    });
  select(GWEI);
  const same = median(Array.from({ length: REPEATS }, () => select(GWEI)));
  const changed = median(Array.from({ length: REPEATS }, (_, i) => select(GWEI + BigInt(i + 1))));
  return `${same.toFixed(1)} ms, at another base fee ${changed.toFixed(1)} ms`;
}

function blocks(pool: Mempool, { reader, ledger, apply }: BenchState): string {
  const times = { same: [] as number[], changed: [] as number[] };
  for (let i = 0; i < 2 * REPEATS; i++) {
    const baseFeeWei = pool.stats().baseFeeWei;
    const request = { state: reader, baseFeeWei, gasLimit: 110_000_000, maxBytes: 4 * 1024 * 1024 };
    const transactions = pool.select({ ...request, maxCount: BLOCK });
    const { changes } = transition(reader, nextInput(reader, { transactions }));
    apply(changes);
    const isChanged = i % 2 === 1;
    setBaseFee(ledger, baseFeeWei + (isChanged ? GWEI / 100n : 0n));
    const included = transactions.map(({ hash }) => hash);
    const ms = timed(() => {
      pool.onBlock({ state: reader, touched: changedAccounts(changes), included });
    });
    if (transactions.length !== BLOCK) throw new RangeError(`${transactions.length} were included`);
    times[isChanged ? 'changed' : 'same'].push(ms);
  }
  return `${median(times.same).toFixed(1)} ms, at another base fee ${median(times.changed).toFixed(1)} ms`;
}

function offer(pool: Mempool, recovered: RecoveredTransaction): void {
  try {
    pool.add(recovered, 'peer');
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
  }
}

/** In the order of nonces, senders mixed; decoded from bytes, as the network would bring them. */
function shuffledByNonce(prng: Prng, perSender: number): RecoveredTransaction[] {
  const senders = COUNT / perSender;
  return Array.from({ length: COUNT }, (_, i) => {
    const sender = person(i % senders);
    const tipWei = GWEI + prng.bigint(30);
    const nonce = BigInt(Math.floor(i / senders));
    const { bytes } = sentBy(sender, { nonce, tipWei, to: person(prng.below(senders)) });
    const { transaction, hash } = decodeTransaction(bytes, { chainId: BigInt(PRESETS.devnet.chainId) });
    return { transaction, hash, bytes, sender };
  });
}

interface BenchState {
  readonly reader: Reader;
  readonly ledger: TestLedger;
  readonly apply: (changes: Parameters<TestLedger['apply']>[0]) => void;
}

/** Accounts in a map of their own: to have each credited by the ledger would take longer than all else. */
function stateOf(ledger: TestLedger, people: number): BenchState {
  const accounts = new Map<string, Uint8Array>();
  const account = { nonce: 0, balanceWei: 10n * WEI_PER_OGPU, contract: undefined };
  for (let number = 0; number < people + 21 * BLOCK + COUNT; number++)
    accounts.set(keyText(STATE_KEYS.account.encode(person(number))), encodeAccount(account));
  const reader: Reader = { get: (key) => accounts.get(keyText(key)) ?? ledger.get(key) };
  if (readAccount(reader, person(0)).nonce !== 0) throw new RangeError('the accounts are not there');
  return {
    reader,
    ledger,
    apply: (changes) => {
      ledger.apply(changes.filter(({ key }) => !accounts.has(keyText(key))));
      for (const { key, value } of changes)
        if (value !== undefined && accounts.has(keyText(key))) accounts.set(keyText(key), value);
    },
  };
}

function memoryBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Processor time in ms, that of the garbage collector included: the figures are too small to survive a busy machine otherwise. */
function timed(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function rate(count: number, ms: number): string {
  return `${Math.round((count * 1000) / ms).toLocaleString('en-GB')} /s`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
