import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import { blockId } from '../../protocol/types/header.js';
import { compareRecords, recheck } from '../../state/diagnosis/recheck.js';
import type { Bundle } from '../diagnosis/bundle.js';
import { readBundle } from '../diagnosis/bundle-file.js';
import {
  formatDamage,
  formatDifferences,
  listDifferences,
  MAX_SHOWN_DIFFERENCES,
  VERDICTS,
} from '../diagnosis/report.js';
import { printableLines, toJson, writeOutput } from '../terminal-text.js';

interface DiagnoseOptions {
  readonly json: boolean;
}

/** A bundle that this software does not reproduce, or two that differ. The report has been printed. */
export class DiagnosisDiffersError extends OgpuError<'DIAGNOSIS_DIFFERS'> {}

/** `ogpu diagnose`: looks at a block that did not come to what its header says, from what a node has written down about it. */
export function diagnoseCommand(): Command {
  return new Command('diagnose')
    .description('execute the block of a bundle again without a ledger, or compare two bundles of one block')
    .argument('<bundle>', 'as `ogpu replay` writes it into the data folder')
    .argument('[other]', 'a bundle of the same block from another machine')
    .option('--json', 'print JSON', false)
    .action(async (path: string, other: string | undefined, options: DiagnoseOptions) => {
      const bundle = await readBundle(path);
      if (other === undefined) await runRecheck(bundle, options);
      else await runComparison(bundle, await readBundle(other), options);
    });
}

async function runRecheck(bundle: Bundle, { json }: DiagnoseOptions): Promise<void> {
  const { untied, unproven, fromRecord, fromHeader } = recheck(bundle.record, { recover: recoverSender });
  const report = {
    ...describe(bundle),
    isParentKnown: bundle.record.parent !== undefined,
    untied,
    unproven,
    fromBundle: fromRecord.slice(0, MAX_SHOWN_DIFFERENCES),
    fromHeader: fromHeader.slice(0, MAX_SHOWN_DIFFERENCES),
  };
  const text = [
    heading(bundle),
    untied.length === 0 ? formatTie(bundle) : 'its parts do not belong together:\n',
    formatDifferences(untied),
    unproven.length === 0
      ? 'every entry it read is proven under the state root before it\n'
      : `${unproven.length} entries it read are not what the state root before it commits to:\n`,
    formatDamage(unproven),
    fromRecord.length === 0
      ? 'executed again here from the bundle alone: the same result\n'
      : 'executed again here from the bundle alone: a different result (expected: the bundle; got: here)\n',
    formatDifferences(fromRecord),
    fromHeader.length === 0
      ? 'that is what the header says\n'
      : 'that is not what the header says (expected: the header; got: here)\n',
    formatDifferences(fromHeader),
  ].join('');
  await writeOutput(json ? toJson(report) : printableLines(text));
  const count = untied.length + unproven.length + fromRecord.length;
  if (count > 0) throw differs('the bundle is not reproduced', count);
}

function formatTie({ record }: Bundle): string {
  return record.parent === undefined
    ? "it lacks the header of its parent: nothing says that the state root before it is the chain's\n"
    : 'the state root before it is that of the parent its header names\n';
}

async function runComparison(one: Bundle, other: Bundle, { json }: DiagnoseOptions): Promise<void> {
  const differences = compareRecords(one.record, other.record);
  const shown = differences.slice(0, MAX_SHOWN_DIFFERENCES);
  const report = {
    bundles: [describe(one), describe(other)],
    differenceCount: differences.length,
    differences: shown,
  };
  const text = `${heading(one)}${heading(other)}${
    differences.length === 0 ? 'no differences\n' : `${differences.length} differences (first | second):\n`
  }${listDifferences(differences)}`;
  await writeOutput(json ? toJson(report) : printableLines(text));
  if (differences.length > 0) throw differs('the bundles differ', differences.length);
}

function describe({ software, chain, verdict, record }: Bundle): Record<string, string | number> {
  const { header } = record.block;
  const place = { height: header.height, id: toHex(blockId(header)), parentRoot: toHex(record.parentRoot) };
  return { software, chainId: chain.chainId, ...place, verdict };
}

function heading({ software, verdict, record }: Bundle): string {
  const { header } = record.block;
  return `block ${header.height} ${toHex(blockId(header))}, recorded by ogpu ${software}\n  ${verdict}: ${VERDICTS[verdict]}\n`;
}

function differs(message: string, differences: number): DiagnosisDiffersError {
  return new DiagnosisDiffersError('DIAGNOSIS_DIFFERS', message, { differences });
}
