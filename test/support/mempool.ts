import { WEI_PER_OGPU } from '../../protocol/amounts.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { PRESETS } from '../../protocol/presets.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import type { Eip1559Transaction, SignedTransaction } from '../../protocol/transactions/types.js';
import type { RecoveredTransaction } from '../../node/mempool/entry.js';
import { Mempool, type MempoolOptions } from '../../node/mempool/mempool.js';
import { Overlay } from '../../state/store/overlay.js';
import { progressRecord } from '../../state/system/chain.js';
import { GWEI, TestLedger } from './ledger.js';

/** One of many accounts. */
export function person(number: number): Uint8Array {
  const address = new Uint8Array(20).fill(0x50);
  new DataView(address.buffer).setUint32(0, number);
  return address;
}

/** As recovery would give it; `sender` stands for whoever signed, and nothing is signed. */
export function sentBy(
  sender: Uint8Array,
  changes: Partial<Eip1559Transaction> & { readonly tipWei?: bigint } = {},
): RecoveredTransaction {
  const { tipWei = GWEI, ...fields } = changes;
  const rs = new Uint8Array(64).fill(1);
  rs.set(sender);
  const transaction: SignedTransaction = {
    type: 'eip1559',
    chainId: BigInt(PRESETS.devnet.chainId),
    nonce: 0n,
    gasLimit: 21_000n,
    maxFeePerGas: 100n * GWEI,
    maxPriorityFeePerGas: tipWei,
    to: new Uint8Array(20).fill(0xaa),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    ...fields,
    signature: { rs, yParity: 0 },
  };
  const bytes = encodeTransaction(transaction);
  return { transaction, sender, bytes, hash: keccak256(bytes) };
}

/** A ledger in which the first `count` people have money. */
export function fundedLedger(count: number, balanceWei = WEI_PER_OGPU): TestLedger {
  const ledger = new TestLedger();
  for (let number = 0; number < count; number++) ledger.setAccount(person(number), { balanceWei });
  return ledger;
}

/** A pool on a ledger and a clock that stands still until it is told. */
export function poolOn(
  state: TestLedger,
  options: Partial<MempoolOptions> = {},
): { pool: Mempool; clock: { ms: number } } {
  const clock = { ms: 1_000_000 };
  return { pool: new Mempool({ state, nowMs: () => clock.ms, ...options }), clock };
}

/** Sets the base fee of the next block. */
export function setBaseFee(ledger: TestLedger, baseFeeWei: bigint): void {
  const state = new Overlay(ledger, { maxBytes: 1 << 16 });
  progressRecord.write(state, { ...progressRecord.read(ledger), baseFeeWei });
  ledger.apply(state.changes());
}

export function baseFeeOf(ledger: TestLedger): bigint {
  return progressRecord.read(ledger).baseFeeWei;
}
