import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { AccountTableBuilder } from '../../genesis/accounts.js';
import type { GenesisState } from '../../genesis/state.js';
import { DATABASE_DEFAULTS } from '../../node/database.js';
import { openLedger } from '../../node/ledger.js';
import { TOTAL_SUPPLY_WEI } from '../../protocol/amounts.js';
import { toHex, type Hex } from '../../protocol/bytes.js';
import { sha256 } from '../../protocol/crypto/hash.js';
import { describeError } from '../../protocol/errors.js';
import { PRESETS } from '../../protocol/presets.js';
import type { GenesisProgress } from '../../state/chain/genesis.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import { genesisValidator } from './ledger.js';

/**
 * A node that makes its ledger or opens it, to be measured or killed: `node ledger-writer.js <path> <accounts> <then>`. Then it closes the
 * ledger (`close`), waits to be killed (`stay`), or first fills the log of the database with as much as it may hold (`fill`).
 */

/** A line of its output: each step, then what came of it. */
export type WriterLine =
  | GenesisProgress
  | {
      readonly step: 'open';
      /** Wall time of opening. */
      readonly seconds: number;
      /** Processor time of it, all threads. */
      readonly cpuSeconds: number;
      readonly peakMiB: number;
      readonly stateRoot: Hex;
    };

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
  const signature = new Uint8Array(96);
  const validator = { ...genesisValidator(0x77), ownerBinding: signature };
  return {
    chain: 'devnet',
    chainId,
    genesisTimeMs: 1_800_000_000_000,
    protocolVersion: 1,
    params,
    accounts: table.build(() => {
      throw new RangeError('an address is there twice');
    }),
    validators: [validator],
    stakedWei: validator.stakeWei,
    reserveWei: TOTAL_SUPPLY_WEI - totalWei - validator.stakeWei,
    id: new Uint8Array(32).fill(9),
  };
}

const LOG_BYTES = DATABASE_DEFAULTS.writeBufferBytes;
const BLOCK_BYTES = 256 * 1024;

async function run(path: string, accounts: number, then: string): Promise<void> {
  const genesis = writerGenesis(accounts);
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const { store, head } = await openLedger({ path, genesis, onProgress: print });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuStart);
  if (then === 'fill') {
    const value = new Uint8Array(BLOCK_BYTES).fill(1);
    for (let i = 1; i < LOG_BYTES / BLOCK_BYTES; i++) {
      await store.write([{ key: NODE_KEYS.block.encode(i), value }]);
    }
  }
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const cpuSeconds = (user + system) / 1e6;
  print({ step: 'open', seconds, cpuSeconds, peakMiB, stateRoot: toHex(head.stateRoot) });
  if (then !== 'close') await setTimeout(600_000);
  await store.close();
}

function print(line: WriterLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const [, script, path, accounts, then] = process.argv;
if (script?.endsWith('ledger-writer.js') === true && path !== undefined) {
  run(path, Number(accounts), then ?? 'close').catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  });
}
