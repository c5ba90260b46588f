import { toHex } from '../../../protocol/bytes.js';
import type { MempoolConfig } from '../../../node/mempool/config.js';
import type { RecoveredTransaction, Source } from '../../../node/mempool/entry.js';
import type { SelectRequest } from '../../../node/mempool/select.js';
import { readAccount, type Account } from '../../../state/accounts/account.js';
import type { Reader } from '../../../state/store/store.js';
import { paramsRecord } from '../../../state/system/chain.js';
import { AdmissionError, admit } from '../../../state/transition/admission.js';

interface NaiveEntry {
  readonly recovered: RecoveredTransaction;
  readonly sender: string;
  readonly nonce: number;
  readonly arrivedAtMs: number;
  readonly arrival: number;
  isExempt: boolean;
}

/** The rules of the pool over one list, everything computed anew and sorted whenever it is asked for. */
export class NaivePool {
  readonly config: MempoolConfig;
  entries: NaiveEntry[] = [];
  state: Reader;
  baseFeeWei: bigint;
  #arrivals = 0;

  constructor(config: MempoolConfig, state: Reader, baseFeeWei: bigint) {
    this.config = config;
    this.state = state;
    this.baseFeeWei = baseFeeWei;
  }

  /** The code of the refusal, or what happened. */
  add(recovered: RecoveredTransaction, source: Source, nowMs: number): string {
    const refusal = this.#refusal(recovered);
    if (refusal !== undefined) return refusal;
    const sender = toHex(recovered.sender);
    const nonce = Number(recovered.transaction.nonce);
    const old = this.#find(sender, nonce);
    const before = this.entries;
    const isExempt = source === 'local' || old?.isExempt === true;
    const arrival = this.#arrivals;
    const entry = { recovered, sender, nonce, arrivedAtMs: nowMs, arrival, isExempt };
    this.entries = [...before.filter((other) => other !== old), entry];
    if (this.#isExemptionOver()) entry.isExempt = false;
    if (this.#isExemptionOver()) for (const other of this.of(sender)) other.isExempt = false;
    if (!this.#makeRoom(entry)) {
      this.entries = before;
      return 'MEMPOOL_FULL';
    }
    this.#arrivals++;
    return old === undefined ? 'accepted' : 'replaced';
  }

  of(sender: string): NaiveEntry[] {
    return this.entries.filter((entry) => entry.sender === sender).sort((a, b) => a.nonce - b.nonce);
  }

  account(sender: string): Account {
    const bytes = Uint8Array.from({ length: 20 }, (_, i) => parseInt(sender.slice(2 + 2 * i, 4 + 2 * i), 16));
    return readAccount(this.state, bytes);
  }

  run(sender: string): NaiveEntry[] {
    const { nonce } = this.account(sender);
    const own = this.of(sender);
    const end = own.findIndex((entry, i) => entry.nonce !== nonce + i);
    return end === -1 ? own : own.slice(0, end);
  }

  pending(sender: string): NaiveEntry[] {
    const { balanceWei } = this.account(sender);
    let costWei = 0n;
    const run = this.run(sender);
    const end = run.findIndex((entry) => (costWei += cost(entry)) > balanceWei);
    return end === -1 ? run : run.slice(0, end);
  }

  senders(): string[] {
    return [...new Set(this.entries.map(({ sender }) => sender))];
  }

  totalBytes(): number {
    return this.entries.reduce((sum, { recovered }) => sum + recovered.bytes.length, 0);
  }

  protected(): NaiveEntry[] {
    return this.senders().flatMap((sender) => {
      const own = this.of(sender);
      return own.slice(0, own.findLastIndex(({ isExempt }) => isExempt) + 1);
    });
  }

  onBlock(state: Reader, baseFeeWei: bigint, nowMs: number): void {
    this.state = state;
    this.baseFeeWei = baseFeeWei;
    this.entries = this.entries.filter(({ sender, nonce }) => nonce >= this.account(sender).nonce);
    for (;;) {
      const old = this.entries.find(({ arrivedAtMs }) => arrivedAtMs <= nowMs - this.config.maxAgeMs);
      if (old === undefined) return;
      this.entries = this.entries.filter(({ sender, nonce }) => sender !== old.sender || nonce < old.nonce);
    }
  }

  /** Repeatedly the best of what everybody could have included next. */
  select({ gasLimit, maxBytes, maxCount }: SelectRequest): RecoveredTransaction[] {
    const selected: RecoveredTransaction[] = [];
    const next = new Map(this.senders().map((sender) => [sender, this.pending(sender)]));
    let [gasLeft, bytesLeft] = [gasLimit, maxBytes];
    while (selected.length < maxCount) {
      const heads = [...next.values()].flatMap((queue) => queue.slice(0, 1));
      const [best] = heads
        .filter((head) => this.tip(head) >= 0n)
        .sort((a, b) => order(this.tip(b), this.tip(a)) || a.arrival - b.arrival);
      if (best === undefined) break;
      const { recovered, sender } = best;
      const gas = Number(recovered.transaction.gasLimit);
      if (gas > gasLeft || recovered.bytes.length + 4 > bytesLeft) {
        next.delete(sender);
        continue;
      }
      next.get(sender)?.shift();
      selected.push(recovered);
      gasLeft -= gas;
      bytesLeft -= recovered.bytes.length + 4;
    }
    return selected;
  }

  tip({ recovered: { transaction } }: NaiveEntry): bigint {
    const [cap, tip] =
      transaction.type === 'eip1559'
        ? [transaction.maxFeePerGas, transaction.maxPriorityFeePerGas]
        : [transaction.gasPrice, transaction.gasPrice];
    return tip < cap - this.baseFeeWei ? tip : cap - this.baseFeeWei;
  }

  #refusal(recovered: RecoveredTransaction): string | undefined {
    const { config } = this;
    const { transaction } = recovered;
    const sender = toHex(recovered.sender);
    const account = this.account(sender);
    const nonce = Number(transaction.nonce);
    const { minBaseFeeWei, gasLimit } = paramsRecord.read(this.state).blocks;
    if (this.entries.some((entry) => toHex(entry.recovered.hash) === toHex(recovered.hash)))
      return 'MEMPOOL_KNOWN';
    if (nonce > account.nonce + config.maxSenderCount - 1) return 'MEMPOOL_NONCE_TOO_FAR';
    try {
      const later = { ...account, nonce: Math.max(nonce, account.nonce) };
      admit(transaction, later, { baseFeeWei: minBaseFeeWei, gasLeft: gasLimit });
    } catch (error) {
      if (error instanceof AdmissionError) return error.code;
      throw error;
    }
    if (transaction.type !== 'eip1559') throw new RangeError('the model knows one type');
    if (transaction.maxPriorityFeePerGas < config.minTipWei) return 'MEMPOOL_UNDERPRICED';
    const old = this.#find(sender, nonce)?.recovered.transaction;
    const isBump = (now: bigint, was: bigint): boolean => now > was && 10n * now >= 11n * was;
    if (old?.type === 'eip1559') {
      const bumps =
        isBump(transaction.maxFeePerGas, old.maxFeePerGas) &&
        isBump(transaction.maxPriorityFeePerGas, old.maxPriorityFeePerGas);
      if (!bumps) return 'MEMPOOL_REPLACEMENT_UNDERPRICED';
    }
    const others = this.of(sender).filter((entry) => entry.nonce !== nonce);
    const bytes = others.reduce((sum, other) => sum + other.recovered.bytes.length, recovered.bytes.length);
    if (others.length + 1 > config.maxSenderCount || bytes > config.maxSenderBytes)
      return 'MEMPOOL_SENDER_FULL';
    const costWei = others.reduce((sum, other) => sum + cost(other), cost({ recovered }));
    return costWei > account.balanceWei ? 'MEMPOOL_OVERDRAFT' : undefined;
  }

  #makeRoom(newcomer: NaiveEntry): boolean {
    const rank = this.#rank(newcomer);
    while (this.entries.length > this.config.maxCount || this.totalBytes() > this.config.maxBytes) {
      const safe = new Set(this.protected());
      const [victim] = this.senders()
        .filter((sender) => sender !== newcomer.sender)
        .flatMap((sender) => this.of(sender).slice(-1))
        .filter((tail) => !safe.has(tail))
        .sort((a, b) => compareRanks(this.#rank(a), this.#rank(b)) || b.arrival - a.arrival);
      if (victim === undefined) return false;
      if (!safe.has(newcomer) && compareRanks(this.#rank(victim), rank) >= 0) return false;
      this.entries = this.entries.filter((entry) => entry !== victim);
    }
    return true;
  }

  #rank(entry: NaiveEntry): [number, bigint] {
    const upTo = this.of(entry.sender).filter(({ nonce }) => nonce <= entry.nonce);
    const worth = upTo.map((other) => this.tip(other)).sort(order)[0] ?? 0n;
    return [this.pending(entry.sender).includes(entry) ? 1 : 0, worth];
  }

  #isExemptionOver(): boolean {
    const safe = this.protected();
    const bytes = safe.reduce((sum, { recovered }) => sum + recovered.bytes.length, 0);
    return safe.length > this.config.maxExemptCount || bytes > this.config.maxExemptBytes;
  }

  #find(sender: string, nonce: number): NaiveEntry | undefined {
    return this.entries.find((entry) => entry.sender === sender && entry.nonce === nonce);
  }
}

function cost({ recovered }: Pick<NaiveEntry, 'recovered'>): bigint {
  const { transaction } = recovered;
  const cap = transaction.type === 'eip1559' ? transaction.maxFeePerGas : transaction.gasPrice;
  return transaction.gasLimit * cap + transaction.value;
}

function order(a: bigint, b: bigint): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareRanks(a: [number, bigint], b: [number, bigint]): number {
  return a[0] - b[0] || order(a[1], b[1]);
}
