import { Command, InvalidArgumentError } from 'commander';
import { toHex } from '../../protocol/bytes.js';
import { describeError, OgpuError } from '../../protocol/errors.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import type { Difference } from '../../state/diagnosis/compare.js';
import { INVARIANTS, replay, type ReplayedBlock } from '../../state/diagnosis/replay.js';
import { diagnosisFolder } from '../data-folder.js';
import { BundleError } from '../diagnosis/bundle.js';
import { writeBundle } from '../diagnosis/bundle-file.js';
import { withLedger, type LedgerSource, type StoredLedger } from '../diagnosis/open-ledger.js';
import { formatDamage, formatDifferences, MAX_SHOWN_DIFFERENCES, VERDICTS } from '../diagnosis/report.js';
import { printableLines, toJson, writeOutput } from '../terminal-text.js';
import { packageVersion } from '../version.js';

interface ReplayOptions extends LedgerSource {
  readonly to?: number;
  readonly checkInvariants: boolean;
  readonly json: boolean;
}

/** A replay that did not come to what is stored. Its report has been printed. */
export class ReplayDiffersError extends OgpuError<'REPLAY_DIFFERS'> {}

/** `ogpu replay`: executes blocks of a stopped node again and compares everything with what it has stored. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('execute blocks again and compare everything with what is stored')
    .argument('<height>', 'of the block, or of the first of them', height)
    .requiredOption('--data <folder>', 'data folder of the node, which must not be running')
    .requiredOption('--genesis <file>', 'genesis.json of its chain')
    .option('--to <height>', 'replay all blocks up to this one', height)
    .option('--check-invariants', 'also check what must hold after every block', false)
    .option('--json', 'print JSON', false)
    .action((from: number, options: ReplayOptions) =>
      withLedger(options, (ledger) => runReplay(ledger, from, options)),
    );
}

async function runReplay(ledger: StoredLedger, from: number, options: ReplayOptions): Promise<void> {
  const rules = { recover: recoverSender, checkInvariants: options.checkInvariants };
  const to = options.to ?? from;
  let [blocks, changes, transactions] = [0, 0, 0];
  for await (const block of replay(ledger.store, { from, to }, rules)) {
    if (block.differences.length > 0) {
      await reportDifferences(ledger, block, options);
      return;
    }
    blocks++;
    changes += block.changes;
    transactions += block.transactions;
  }
  const report = { replayed: { from, to, blocks, transactions, changes }, differs: false };
  const text = `${blocks === 1 ? `block ${from}` : `blocks ${from} to ${to}`}: as stored (${transactions} transactions, ${changes} changed entries)\n`;
  await writeOutput(options.json ? toJson(report) : text);
}

async function reportDifferences(
  ledger: StoredLedger,
  { height: at, id, differences, diagnosis }: ReplayedBlock,
  { data, json }: ReplayOptions,
): Promise<never> {
  const saved = diagnosis === undefined ? {} : await saveBundle(ledger, data, diagnosis);
  const report = {
    differs: true,
    height: at,
    id: toHex(id),
    differenceCount: differences.length,
    differences: differences.slice(0, MAX_SHOWN_DIFFERENCES),
    verdict: diagnosis?.verdict ?? 'reproduced',
    damage: diagnosis?.damage ?? [],
    bundle: saved.path ?? null,
    ...(saved.failure === undefined ? {} : { bundleFailure: saved.failure }),
  };
  const text = [
    `block ${at} ${toHex(id)}: the replay differs from what is stored\n`,
    formatDifferences(differences),
    diagnosis === undefined
      ? withoutDiagnosis(differences)
      : `verdict: ${diagnosis.verdict}: ${VERDICTS[diagnosis.verdict]}\n`,
    formatDamage(diagnosis?.damage ?? []),
    saved.path === undefined ? '' : `bundle: ${saved.path}\n`,
    saved.failure === undefined ? '' : `no bundle: ${saved.failure}\n`,
  ].join('');
  await writeOutput(json ? toJson(report) : printableLines(text));
  throw new ReplayDiffersError('REPLAY_DIFFERS', 'a block does not come to what is stored', {
    height: at,
    differences: differences.length,
  });
}

/** The block comes to what its header says; what else is wrong. */
function withoutDiagnosis(differences: readonly Difference[]): string {
  const isBug = differences.some(({ where }) => where === INVARIANTS);
  const what = isBug
    ? 'and what must always hold does not: a bug in the software'
    : 'what is stored beside it is damaged';
  return `verdict: the block comes to what its header says; ${what}\n`;
}

interface SavedBundle {
  readonly path?: string;
  /** Why there is none: what was found out is told all the same. */
  readonly failure?: string;
}

/** A bundle of this block that is there already stays. */
async function saveBundle(
  { identity }: StoredLedger,
  data: string,
  { verdict, record }: NonNullable<ReplayedBlock['diagnosis']>,
): Promise<SavedBundle> {
  try {
    const bundle = { software: packageVersion(), chain: identity, verdict, record };
    return { path: await writeBundle(diagnosisFolder(data), bundle) };
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return error.code === 'BUNDLE_EXISTS'
      ? { path: String(error.data['path']) }
      : { failure: describeError(error) };
  }
}

function height(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new InvalidArgumentError('expected a height.');
  return value;
}
