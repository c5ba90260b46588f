import { Argument, Command, Option } from 'commander';
import { OgpuError } from '../../protocol/errors.js';
import { readTail } from '../../state/chain/marks.js';
import { withLedger, type StoredLedger } from '../diagnosis/open-ledger.js';
import {
  accountRows,
  blockRows,
  transactionRows,
  type HeightRange,
  type Row,
} from '../maintenance/export-rows.js';
import { ROW_FORMATS, rowsText, type RowFormat } from '../maintenance/rows-text.js';
import { showProgress } from '../progress.js';
import { examples, integerBetween, PROCESS_CONTEXT, type CommandContext } from './command-context.js';
import { ledgerOptions, ledgerSource, type LedgerCommandOptions } from './ledger-options.js';

/** Blocks that the ledger does not have. */
export class ExportError extends OgpuError<'EXPORT_RANGE'> {}

const WHAT = ['blocks', 'transactions', 'accounts'] as const;
type What = (typeof WHAT)[number];

interface ExportOptions extends LedgerCommandOptions {
  readonly format: RowFormat;
  readonly from?: number;
  readonly to?: number;
}

const height = integerBetween(0, Number.MAX_SAFE_INTEGER);

/** `ogpu export`: the ledger of a stopped node as lines, for other programs. */
export function exportCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return ledgerOptions(new Command('export'))
    .description('write blocks, transactions or accounts to standard output, one a line')
    .addArgument(new Argument('<what>', 'of the last final state where it is accounts').choices(WHAT))
    .addOption(new Option('--format <format>', 'of the lines').choices(ROW_FORMATS).default('ndjson'))
    .option('--from <height>', 'first block; the oldest one that is kept unless given', height)
    .option('--to <height>', 'last block; the head unless given', height)
    .addHelpText('after', HELP)
    .action((what: What, options: ExportOptions) =>
      withLedger(ledgerSource(options), (ledger) => runExport(context, what, ledger, options)),
    );
}

async function runExport(
  context: CommandContext,
  what: What,
  ledger: StoredLedger,
  options: ExportOptions,
): Promise<void> {
  const range = rangeOf(ledger, options);
  const isByHeight = what !== 'accounts';
  // With a bar on the terminal, lines on it would be torn.
  const isSilent = options.json || process.stdout.isTTY || !isByHeight;
  const bar = showProgress({ label: what, total: range.to - range.from + 1, unit: 'blocks', isSilent });
  const watched = watch(rowsOf(what, ledger, range), (row) => {
    if (typeof row['height'] === 'number') bar.update(row['height'] - range.from + 1);
  });
  try {
    for await (const text of rowsText(watched, options.format)) await context.write(text);
  } finally {
    bar.stop();
  }
}

function rowsOf(what: What, { store, identity }: StoredLedger, range: HeightRange): AsyncIterable<Row> {
  switch (what) {
    case 'blocks':
      return blockRows(store, range);
    case 'transactions':
      return transactionRows(store, range, identity.chainId);
    case 'accounts':
      return accountRows(store);
  }
}

function rangeOf({ store, head }: StoredLedger, options: ExportOptions): HeightRange {
  const oldest = readTail(store).height;
  const { from = oldest, to = head.height } = options;
  if (from >= oldest && to <= head.height) return { from, to };
  const data = { from, to, oldest, head: head.height, cure: 'choose heights from oldest to head' };
  throw new ExportError('EXPORT_RANGE', 'the ledger does not have all these blocks', data);
}

async function* watch(rows: AsyncIterable<Row>, see: (row: Row) => void): AsyncGenerator<Row> {
  for await (const row of rows) {
    see(row);
    yield row;
  }
}

const HELP = `${examples(
  ['ogpu export blocks --from 1000 --to 2000', 'newline-delimited JSON'],
  ['ogpu export transactions --format csv > transactions.csv', 'with senders, receipts and gas used'],
  ['ogpu export accounts --format csv | sort -t, -k3 -n', 'balances in wei after the last final block'],
)}
Lines are written as they are read, however large the ledger is; when the reader leaves, the command ends (exit code 141).
`;
