import type { Address } from '../../protocol/address.js';
import { invariant } from '../../protocol/invariant.js';

/** Where money comes from: what the client put down, what the provider did, the stake of a validator. */
export type Source = 'escrow' | 'bond' | { readonly stakeOf: Address };

/** Where it goes. A validator's pay is routed as its other rewards are. */
export type Recipient =
  'client' | 'provider' | 'verifierPool' | { readonly validator: Address } | { readonly finder: Address };

export interface Payment {
  readonly from: Source;
  readonly to: Recipient;
  readonly wei: bigint;
}

/** Money that is paid out source after source; nothing is left over unseen. */
export interface Purse {
  left(): bigint;
  /** Pays `wei`, which must be there; nothing for nothing. */
  pay(to: Recipient, wei: bigint): void;
  /** Pays what is left. */
  empty(to: Recipient): void;
}

export interface Funds {
  readonly from: Source;
  readonly wei: bigint;
}

/** @param payments get what is paid, in order */
export function purseOf(payments: Payment[], ...funds: readonly Funds[]): Purse {
  const sources = funds.map(({ from, wei }) => ({ from, wei }));
  const left = (): bigint => sources.reduce((sum, { wei }) => sum + wei, 0n);
  const pay = (to: Recipient, wei: bigint): void => {
    let owed = wei;
    invariant(owed >= 0n && owed <= left(), 'a purse pays what it has');
    for (const source of sources) {
      const part = source.wei < owed ? source.wei : owed;
      if (part > 0n) payments.push({ from: source.from, to, wei: part });
      source.wei -= part;
      owed -= part;
    }
  };
  return { left, pay, empty: (to) => pay(to, left()) };
}
