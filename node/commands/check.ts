import { Command } from 'commander';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { describeError, OgpuError } from '../../protocol/errors.js';
import { auditState, type Supply } from '../../state/invariants/audit.js';
import { allEntries, checkStateRoot } from '../../state/diagnosis/check-ledger.js';
import { withLedger, type LedgerSource, type StoredLedger } from '../diagnosis/open-ledger.js';
import { printableLines, toJson, writeOutput } from '../terminal-text.js';

interface CheckOptions extends LedgerSource {
  readonly json: boolean;
}

/** A ledger that is not what it must be. The report has been printed. */
export class CheckFailedError extends OgpuError<'CHECK_FAILED'> {}

/** `ogpu check`: whether everything in a stopped node's ledger is as its head says and as it must always be. */
export function checkCommand(): Command {
  return new Command('check')
    .description('check a whole ledger: every entry against the state root, the supply, every invariant')
    .requiredOption('--data <folder>', 'data folder of the node, which must not be running')
    .requiredOption('--genesis <file>', 'genesis.json of its chain')
    .option('--json', 'print JSON', false)
    .action((options: CheckOptions) => withLedger(options, (ledger) => runCheck(ledger, options)));
}

async function runCheck({ store, head }: StoredLedger, { json }: CheckOptions): Promise<void> {
  const { entries, faults, faultCount } = await checkStateRoot(store, head.stateRoot);
  const audit = await auditState(store, allEntries(store)).catch((error: unknown) => {
    if (error instanceof OgpuError) return error;
    throw error;
  });
  const place = { height: head.height, stateRoot: toHex(head.stateRoot), entries };
  const isSound = faultCount === 0 && !(audit instanceof OgpuError);
  const report = {
    ...place,
    faultCount,
    faults,
    invariants: audit instanceof OgpuError ? describeError(audit) : 'hold',
    ...(audit instanceof OgpuError ? {} : { supplyWei: weiOf(audit) }),
  };
  const text = [
    `block ${head.height}, state root ${place.stateRoot}\n`,
    faultCount === 0
      ? `${entries} entries have this root\n`
      : `${faultCount} faults among ${entries} entries\n`,
    ...faults.map(({ kind, where }) => `  ${kind}: ${where}\n`),
    audit instanceof OgpuError ? `invariant broken: ${describeError(audit)}\n` : formatSupply(audit),
  ].join('');
  await writeOutput(json ? toJson(report) : printableLines(text));
  if (!isSound) throw new CheckFailedError('CHECK_FAILED', 'the ledger is damaged', { faults: faultCount });
}

function formatSupply({ bySpaceWei }: Supply): string {
  const parts = Object.entries(bySpaceWei).filter(([, wei]) => wei > 0n);
  const lines = parts.map(([space, wei]) => `  ${space.padEnd(14)} ${formatOgpu(wei)} OGPU\n`);
  return `every invariant holds; the supply is where it must be:\n${lines.join('')}`;
}

function weiOf({ bySpaceWei }: Supply): Record<string, string> {
  return Object.fromEntries(Object.entries(bySpaceWei).map(([space, wei]) => [space, wei.toString()]));
}
