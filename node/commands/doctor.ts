import { Command } from 'commander';
import { OgpuError } from '../../protocol/errors.js';
import { addConfigFlags } from '../config/flags.js';
import { examine } from '../doctor/doctor.js';
import type { Finding, Verdict } from '../doctor/finding.js';
import { printableLines, toJson } from '../terminal-text.js';
import { examples, PROCESS_CONTEXT, type CommandContext, type JsonOption } from './command-context.js';
import { configOf, type ConfigOptions } from './config-options.js';

/** Something must be mended before a node can run. The findings have been printed. */
export class DoctorError extends OgpuError<'DOCTOR_FOUND_FAULTS'> {}

/** `ogpu doctor`: whether a node would do well on this machine with this configuration. */
export function doctorCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  const command = new Command('doctor')
    .description('look at clock, disk, memory, ports, keys, genesis and GPU, and say what to do')
    .option('--json', 'print JSON', false)
    .addHelpText('after', HELP);
  return addConfigFlags(command).action((options: ConfigOptions & JsonOption) => runDoctor(context, options));
}

async function runDoctor(context: CommandContext, options: ConfigOptions & JsonOption): Promise<void> {
  const { config } = await configOf(context, options);
  const findings: Finding[] = [];
  for await (const finding of examine(config)) {
    findings.push(finding);
    if (!options.json) await context.write(printableLines(format(finding)));
  }
  const count = (verdict: Verdict): number =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const [warnings, failures] = [count('warn'), count('fail')];
  if (options.json) await context.write(toJson({ ok: failures === 0, warnings, failures, findings }));
  else
    await context.write(
      `\n${findings.length} looked at, ${warnings} to be bettered, ${failures} to be mended\n`,
    );
  if (failures > 0)
    throw new DoctorError('DOCTOR_FOUND_FAULTS', 'a node would not run as it should here', { failures });
}

const SIGNS: Readonly<Record<Verdict, string>> = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' };
const NAME_WIDTH = 13;

function format({ name, verdict, detail, cure }: Finding): string {
  const line = `${SIGNS[verdict]}  ${name.padEnd(NAME_WIDTH)} ${detail}\n`;
  return cure === undefined ? line : `${line}${' '.repeat(6 + NAME_WIDTH + 1)}→ ${cure}\n`;
}

const HELP = `${examples(
  ['ogpu doctor', 'of the node in ~/.ogpu'],
  ['ogpu doctor --data /srv/ogpu --json', 'for scripts; exit code 1 where something must be mended'],
)}
It may be run while the node runs; then the ledger is not looked into.
`;
