import type { Difference } from '../../state/diagnosis/compare.js';
import type { Damage } from '../../state/diagnosis/damage.js';
import type { Verdict } from '../../state/diagnosis/diagnose.js';

/** Differences that JSON output has of a block; the rest is counted. */
export const MAX_SHOWN_DIFFERENCES = 1_000;
const MAX_SHOWN_DAMAGE = 20;

export const VERDICTS: Readonly<Record<Verdict, string>> = {
  nondeterministic: 'two runs on one state differ: a bug in the software, or broken memory of this machine',
  damaged:
    'entries the block read are not what the state root before it commits to: this database is damaged',
  'other-rules': 'the block was executed by other rules, or on another state, where it was made',
  reproduced: 'the block comes to what its header says',
};

/** The first difference in full, and how many there are. */
export function formatDifferences(differences: readonly Difference[], indent = '  '): string {
  const [first] = differences;
  if (first === undefined) return '';
  const more = differences.length - 1;
  const lines = [
    first.where,
    `  expected ${JSON.stringify(first.expected)}`,
    `  got      ${JSON.stringify(first.got)}`,
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
  return lines.map((line) => `${indent}${line}\n`).join('');
}

/** Every difference, a line each. */
export function listDifferences(differences: readonly Difference[]): string {
  const shown = differences.slice(0, MAX_SHOWN_DIFFERENCES);
  const more = differences.length - shown.length;
  const lines = shown.map(
    ({ where, expected, got }) => `  ${where}: ${JSON.stringify(expected)} | ${JSON.stringify(got)}\n`,
  );
  return `${lines.join('')}${more > 0 ? `  and ${more} more\n` : ''}`;
}

export function formatDamage(damage: readonly Damage[]): string {
  const shown = damage.slice(0, MAX_SHOWN_DAMAGE);
  const more = damage.length - shown.length;
  const lines = shown.map(
    ({ where, storedHash, treeHash, reason }) =>
      `  ${where} [${reason}]\n    stored ${storedHash ?? 'nothing'}\n    tree   ${treeHash ?? 'nothing'}\n`,
  );
  return `${lines.join('')}${more > 0 ? `  and ${more} more\n` : ''}`;
}
