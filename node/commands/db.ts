import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.js';
import { describeError, OgpuError } from '../../protocol/errors.js';
import { readTail } from '../../state/chain/marks.js';
import { Pruner } from '../../state/chain/retention.js';
import { allEntries, checkStateRoot } from '../../state/diagnosis/check-ledger.js';
import { auditState } from '../../state/invariants/audit.js';
import { MIN_HISTORY_BLOCKS } from '../config/settings.js';
import { journalFile, ledgerFolder, walFolder } from '../data-folder.js';
import { withLedger, type StoredLedger } from '../diagnosis/open-ledger.js';
import { formatSize } from '../doctor/finding.js';
import { SPACES } from '../maintenance/spaces.js';
import { countSpaces, ledgerStatistics } from '../maintenance/statistics.js';
import { verifyBlocks } from '../maintenance/verify-blocks.js';
import { sizeOf } from '../metrics/storage.js';
import { showProgress } from '../progress.js';
import {
  examples,
  formatRows,
  formatTable,
  integerBetween,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import { ledgerOptions, ledgerSource, type LedgerCommandOptions } from './ledger-options.js';

/** A ledger that is not what it must be. The report has been printed. */
export class VerifyFailedError extends OgpuError<'DB_DAMAGED'> {}

/** The `db` group of the command line: the database of a stopped node. */
export function dbCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('db')
    .description('look at, prune, compact and verify the database of a stopped node')
    .addCommand(statsCommand(context))
    .addCommand(pruneCommand(context))
    .addCommand(compactCommand(context))
    .addCommand(verifyCommand(context))
    .addHelpText('after', GROUP_HELP);
}

interface StatsOptions extends LedgerCommandOptions {
  readonly entries: boolean;
}

function statsCommand(context: CommandContext): Command {
  return ledgerOptions(new Command('stats'))
    .description('heights, sizes on disk, and with --entries the number of entries of every kind')
    .option('--entries', 'read all entries and count them: takes as long as the disk', false)
    .addHelpText(
      'after',
      examples(['ogpu db stats --entries --data /srv/ogpu', 'what the space is used for']),
    )
    .action((options: StatsOptions) =>
      withLedger(ledgerSource(options), (ledger) => stats(context, ledger, options)),
    );
}

async function stats(
  context: CommandContext,
  { store, head }: StoredLedger,
  options: StatsOptions,
): Promise<void> {
  const { data } = options;
  const { headTimeMs, oldestHeight, compactedHeight } = ledgerStatistics(store);
  const sizes = {
    ledgerBytes: await sizeOf(ledgerFolder(data)),
    walBytes: await sizeOf(walFolder(data)),
    mempoolJournalBytes: await sizeOf(journalFile(data)),
  };
  const spaces = options.entries
    ? await withBar(options, 'entries', 0, (tell) => countSpaces(store, (done) => tell(done, done)))
    : undefined;
  const { height, id, stateRoot } = head;
  const report = {
    ...{
      height,
      id: toHex(id),
      stateRoot: toHex(stateRoot),
      headTimeMs,
      oldestHeight,
      compactedHeight,
      ...sizes,
    },
    ...(spaces === undefined ? {} : { spaces }),
  };
  const rows = formatRows([
    ['head', `block ${height} ${report.id}`],
    ['time', new Date(headTimeMs).toISOString()],
    ['oldest block', `${oldestHeight}`],
    ['ledger', formatSize(sizes.ledgerBytes)],
    ['consensus log', formatSize(sizes.walBytes)],
    ['mempool journal', formatSize(sizes.mempoolJournalBytes)],
  ]);
  const table =
    spaces === undefined
      ? ''
      : `\n${formatTable(
          ['kind', 'of', 'entries', 'keys', 'values'],
          spaces.map(({ name, isState, entries, keyBytes, valueBytes }) => [
            ...[name, isState ? 'state' : 'node', entries.toLocaleString('en-GB')],
            ...[formatSize(keyBytes), formatSize(valueBytes)],
          ]),
        )}`;
  await print(context, options, report, `${rows}${table}`);
}

interface PruneOptions extends LedgerCommandOptions {
  readonly keep: number;
}

function pruneCommand(context: CommandContext): Command {
  return ledgerOptions(new Command('prune'))
    .description('drop blocks, receipts and past states that are older than the newest --keep blocks')
    .requiredOption(
      '--keep <blocks>',
      `newest blocks to keep, at least ${MIN_HISTORY_BLOCKS}`,
      integerBetween(MIN_HISTORY_BLOCKS, Number.MAX_SAFE_INTEGER),
    )
    .addHelpText(
      'after',
      examples([
        'ogpu db prune --keep 100000',
        'what is dropped stays gone; `history` in the configuration does it as the node runs',
      ]),
    )
    .action((options: PruneOptions) =>
      withLedger(ledgerSource(options), (ledger) => prune(context, ledger, options)),
    );
}

async function prune(
  context: CommandContext,
  { store, head }: StoredLedger,
  options: PruneOptions,
): Promise<void> {
  const from = readTail(store).height;
  const pruner = new Pruner(store, { mode: 'pruned', blocks: options.keep });
  const target = Math.max(from, head.height - options.keep + 1);
  await withBar(options, 'blocks', target - from, async (tell) => {
    while (await pruner.step()) tell(readTail(store).height - from);
  });
  const oldestHeight = readTail(store).height;
  const report = { dropped: oldestHeight - from, oldestHeight, height: head.height };
  await print(
    context,
    options,
    report,
    `${report.dropped} blocks dropped; the oldest is now ${oldestHeight} of ${head.height}\n`,
  );
}

function compactCommand(context: CommandContext): Command {
  return ledgerOptions(new Command('compact'))
    .description('give the space of dropped and replaced entries back to the disk')
    .addHelpText(
      'after',
      examples(['ogpu db compact', 'after `ogpu db prune`; needs free space for the files it writes anew']),
    )
    .action((options: LedgerCommandOptions) =>
      withLedger(ledgerSource(options), (ledger) => compact(context, ledger, options)),
    );
}

async function compact(
  context: CommandContext,
  { store }: StoredLedger,
  options: LedgerCommandOptions,
): Promise<void> {
  const folder = ledgerFolder(options.data);
  const beforeBytes = await sizeOf(folder);
  await withBar(options, 'kinds of entries', SPACES.length, async (tell) => {
    for (const [done, { range }] of SPACES.entries()) {
      await store.compactRange(range);
      tell(done + 1);
    }
  });
  const afterBytes = await sizeOf(folder);
  await print(
    context,
    options,
    { beforeBytes, afterBytes },
    `${formatSize(beforeBytes)} before, ${formatSize(afterBytes)} after\n`,
  );
}

function verifyCommand(context: CommandContext): Command {
  return ledgerOptions(new Command('verify'))
    .description('read everything: checksums, the chain of blocks, the state root, the supply')
    .addHelpText(
      'after',
      examples([
        'ogpu db verify',
        'exit code 1 where something is damaged; `ogpu replay` executes the blocks again, too',
      ]),
    )
    .action((options: LedgerCommandOptions) =>
      withLedger(ledgerSource(options), (ledger) => verify(context, ledger, options)),
    );
}

async function verify(
  context: CommandContext,
  { store, head }: StoredLedger,
  options: LedgerCommandOptions,
): Promise<void> {
  const counted = await withBar(options, 'entries', 0, (tell) =>
    countSpaces(store, (done) => tell(done, done)),
  );
  const blocks = await withBar(options, 'blocks', 0, (tell) => verifyBlocks(store, tell));
  const state = await checkStateRoot(store, head.stateRoot);
  const broken = await auditState(store, allEntries(store)).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof OgpuError) return describeError(error);
      throw error;
    },
  );
  const entries = counted.reduce((sum, space) => sum + space.entries, 0);
  const report = { height: head.height, entries, blocks, state, invariants: broken ?? 'hold' };
  const text = [
    `${entries.toLocaleString('en-GB')} entries match their checksums\n`,
    `${blocks.blocks.toLocaleString('en-GB')} blocks up to ${head.height}: ${blocks.faultCount === 0 ? 'a chain' : `${blocks.faultCount} faults`}\n`,
    ...blocks.faults.map(({ height, reason }) => `  block ${height}: ${reason}\n`),
    `${state.entries.toLocaleString('en-GB')} entries of the state: ${state.faultCount === 0 ? 'they have its root' : `${state.faultCount} faults`}\n`,
    ...state.faults.map(({ kind, where }) => `  ${kind}: ${where}\n`),
    broken === undefined ? 'every invariant holds\n' : `invariant broken: ${broken}\n`,
  ].join('');
  await print(context, options, report, text);
  const faults = blocks.faultCount + state.faultCount + (broken === undefined ? 0 : 1);
  if (faults === 0) return;
  const cure = 'move the ledger away and sync again, or restore a backup: docs/operations.md';
  throw new VerifyFailedError('DB_DAMAGED', 'the ledger is damaged', { faults, cure });
}

/** Runs `work` with a bar that ends whatever becomes of it. */
async function withBar<Result>(
  { json }: LedgerCommandOptions,
  unit: string,
  total: number,
  work: (tell: (done: number, total?: number) => void) => Promise<Result>,
): Promise<Result> {
  const bar = showProgress({ label: unit, total, unit, isSilent: json });
  try {
    return await work((done, newTotal) => {
      bar.update(done, newTotal);
    });
  } finally {
    bar.stop();
  }
}

const GROUP_HELP = `
All of them need the node to be stopped: a database has one owner at a time.
`;
