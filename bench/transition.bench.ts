import { WEI_PER_OGPU } from '../protocol/amounts.js';
import { transition } from '../state/transition/transition.js';
import type { SenderTransaction } from '../state/transition/block-context.js';
import { nextInput, TestLedger, transferFrom } from '../test/support/ledger.js';
import { createPrng } from '../test/support/prng.js';
import type { Scenario, Suite } from './harness.js';

const TRANSFERS = 5_000;

export const suite: Suite = {
  scenarios: (): readonly Scenario[] =>
    [1_000, 20_000].map((accounts) => {
      const { ledger, transactions } = prepare(accounts);
      const input = nextInput(ledger, { transactions });
      return {
        name: `state/transfers/${accounts}-accounts-in-memory`,
        operations: TRANSFERS,
        goal: '≥ 30,000 /s on one core, signatures excluded',
        ours: { name: 'transition', run: () => transition(ledger, input) },
      };
    }),
};

/** A block of transfers between random accounts, and the state it runs on. */
function prepare(accounts: number): { ledger: TestLedger; transactions: SenderTransaction[] } {
  const prng = createPrng(accounts);
  const ledger = new TestLedger();
  const addresses = Array.from({ length: accounts }, () => prng.bytes(20));
  for (const address of addresses) ledger.setAccount(address, { balanceWei: WEI_PER_OGPU });
  const nonces = new Map<Uint8Array, bigint>();
  const transactions = Array.from({ length: TRANSFERS }, () => {
    const sender = prng.pick(addresses);
    const nonce = nonces.get(sender) ?? 0n;
    nonces.set(sender, nonce + 1n);
    return transferFrom(sender, { nonce, to: prng.pick(addresses), value: 1n });
  });
  return { ledger, transactions };
}
