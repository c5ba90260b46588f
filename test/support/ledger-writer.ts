import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { AccountTableBuilder } from '../../genesis/accounts.js';
import type { GenesisState } from '../../genesis/state.js';
import { openLedger } from '../../node/ledger.js';
import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import { toHex, type Hex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { describeError } from '../../protocol/errors.js';
import { PRESETS } from '../../protocol/presets.js';
import type { GenesisProgress } from '../../state/chain/genesis.js';
import { testSeed } from './genesis.js';

/** A node that makes its ledger, to be measured or killed: `node ledger-writer.js <path> <accounts> <close | stay>`. */

/** A line of its output: each step, then what came of it. */
export type WriterLine =
  | GenesisProgress
  | { readonly step: 'open'; readonly seconds: number; readonly peakMiB: number; readonly stateRoot: Hex };

/** Any genesis with that many accounts at random addresses, account i with i + 1 wei. */
export function writerGenesis(accounts: number): GenesisState {
  const table = new AccountTableBuilder();
  let totalWei = 0n;
  for (let i = 0; i < accounts; i++) {
    const balanceWei = BigInt(i + 1);
    table.add(
      sha256(Uint8Array.of(i >> 24, (i >> 16) & 0xff, (i >> 8) & 0xff, i & 0xff)).slice(0, 20),
      balanceWei,
      i,
    );
    totalWei += balanceWei;
  }
  const { chainId, params } = PRESETS.devnet;
  return {
    chain: 'devnet',
    chainId,
    genesisTimeMs: 1_800_000_000_000,
    protocolVersion: 1,
    params,
    accounts: table.build(() => {
      throw new RangeError('an address is there twice');
    }),
    validators: [],
    stakedWei: 0n,
    reserveWei: TOTAL_SUPPLY_WEI - totalWei,
    id: new Uint8Array(32).fill(9),
  };
}

async function run(path: string, accounts: number, stays: boolean): Promise<void> {
  const genesis = writerGenesis(accounts);
  const start = performance.now();
  const { store, head } = await openLedger({ path, genesis, seed: testSeed, onProgress: print });
  const seconds = (performance.now() - start) / 1000;
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  print({ step: 'open', seconds, peakMiB, stateRoot: toHex(head.stateRoot) });
  if (stays) await setTimeout(600_000);
  await store.close();
}

function print(line: WriterLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [, script, path, accounts, then] = process.argv;
if (script?.endsWith('ledger-writer.js') === true && path !== undefined) {
  run(path, Number(accounts), then === 'stay').catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  });
}
