import { toHex } from '../../protocol/bytes.js';
import { PRESETS } from '../../protocol/presets.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import type { Transaction } from '../../protocol/transactions/types.js';
import { decodeAccount, encodeAccount, type Account } from '../../state/accounts/account.js';
import { POOLS, poolBalanceWei } from '../../state/accounts/pools.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { RecordedChange } from '../../state/store/overlay.js';
import type { Reader } from '../../state/store/store.js';
import type { BlockContext, SenderTransaction } from '../../state/transition/block-context.js';

/** A whole state in a map, for tests that look at all of it. */
export class TestLedger implements Reader {
  readonly #entries = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>();

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(toHex(key))?.value;
  }

  setAccount(address: Uint8Array, account: Partial<Account>): void {
    const key = STATE_KEYS.account.encode(address);
    const value = encodeAccount({ nonce: 0, balanceWei: 0n, contract: undefined, ...account });
    this.#entries.set(toHex(key), { key, value });
  }

  apply(changes: readonly RecordedChange[]): void {
    for (const { key, value } of changes) this.#set(key, value);
  }

  undo(changes: readonly RecordedChange[]): void {
    for (const { key, old } of changes) this.#set(key, old);
  }

  /** Everything, for comparison. */
  dump(): Record<string, string> {
    return Object.fromEntries([...this.#entries].sort().map(([key, { value }]) => [key, toHex(value)]));
  }

  /** All money there is: accounts and pools. */
  totalWei(): bigint {
    const pools = POOLS.reduce((sum, pool) => sum + poolBalanceWei(this, pool), 0n);
    const prefix = toHex(new TextEncoder().encode(STATE_KEYS.account.prefix));
    const accounts = [...this.#entries].filter(([key]) => key.startsWith(prefix));
    return accounts.reduce((sum, [, { value }]) => sum + decodeAccount(value).balanceWei, pools);
  }

  #set(key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) this.#entries.delete(toHex(key));
    else this.#entries.set(toHex(key), { key, value });
  }
}

export const GWEI = 10n ** 9n;
export const TIP_RECIPIENT: Uint8Array = new Uint8Array(20).fill(0xcc);

export function blockContext(changes: Partial<BlockContext> = {}): BlockContext {
  const { chainId, params } = PRESETS.devnet;
  return {
    chainId,
    height: 1,
    timeMs: 1_800_000_000_000,
    baseFeeWei: GWEI,
    gasLimit: params.blocks.gasLimit,
    tipRecipient: TIP_RECIPIENT,
    params,
    ...changes,
  };
}

const SECRET_KEY = new Uint8Array(32).fill(1);

/** A transfer of 1 wei at 2 gwei unless told otherwise; `sender` stands for whoever signed. */
export function transferFrom(sender: Uint8Array, changes: Partial<Transaction> = {}): SenderTransaction {
  const transaction = {
    type: 'eip1559',
    chainId: BigInt(PRESETS.devnet.chainId),
    nonce: 0n,
    gasLimit: 21_000n,
    maxFeePerGas: 3n * GWEI,
    maxPriorityFeePerGas: GWEI,
    to: new Uint8Array(20).fill(0xaa),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    ...changes,
  } as Transaction;
  return { transaction: signTransaction(transaction, SECRET_KEY), sender };
}
