import { Command, InvalidArgumentError } from 'commander';
import { createGenesis } from '../../genesis/create.js';
import type { AllocationEntry, ValidatorEntry } from '../../genesis/document.js';
import { FaultLog } from '../../genesis/faults.js';
import { parseTimeMs, readAllocations, readValidatorEntry } from '../../genesis/inputs.js';
import { loadGenesis } from '../../genesis/load.js';
import { formatGenesis, reportGenesis } from '../../genesis/report.js';
import { toHex } from '../../protocol/bytes.js';
import type { PresetName } from '../../protocol/presets.js';
import {
  answer,
  presetOption,
  PROCESS_CONTEXT,
  type GenesisContext,
  type JsonOption,
} from './genesis-context.js';
import { integerBetween } from './command-context.js';
import { toJson } from '../terminal-text.js';
import { validatorCommand } from './genesis-validator.js';

/**
 * The `genesis` group of the command line. Actions reject with OgpuError, after the faults of a genesis have been printed;
 * printing the error and the exit status are the caller's.
 *
 * @param context where output goes and how people are asked; tests give their own
 */
export function genesisCommand(context: GenesisContext = PROCESS_CONTEXT): Command {
  return new Command('genesis')
    .description('make and check the document a chain starts from')
    .addCommand(createCommand(context))
    .addCommand(validatorCommand(context))
    .addCommand(checkCommand(context))
    .addCommand(idCommand(context))
    .addHelpText('after', GROUP_HELP);
}

interface CreateOptions extends JsonOption {
  readonly preset: PresetName;
  readonly validator: readonly string[];
  readonly allocation: readonly string[];
  readonly snapshot: readonly string[];
  readonly decimals: number;
  readonly time: number;
  readonly out: string;
  readonly force: boolean;
}

function createCommand(context: GenesisContext): Command {
  return new Command('create')
    .description('write genesis.json, and the snapshots it names, into a directory')
    .addOption(presetOption())
    .requiredOption('--validator <file...>', 'entries made by `ogpu genesis validator`')
    .option(
      '--allocation <entry...>',
      'address=amount in OGPU, or a JSON list of {address, balanceWei, label?}',
      [],
    )
    .option('--snapshot <csv...>', 'holders of an ERC-20 token: CSV with the header address,balance', [])
    .option(
      '--decimals <digits>',
      'unit of the snapshots: 0 for wei, 18 for whole tokens',
      integerBetween(0, 18),
      0,
    )
    .requiredOption(
      '--time <time>',
      'start of the chain: ISO 8601 with its offset, or Unix milliseconds',
      parseTime,
    )
    .requiredOption('--out <directory>', 'where the files go')
    .option('--force', 'replace what is there', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', CREATE_HELP)
    .action((options: CreateOptions) => answer(context, options, () => create(context, options)));
}

async function create(context: GenesisContext, options: CreateOptions): Promise<string> {
  const log = new FaultLog();
  const validators: ValidatorEntry[] = [];
  for (const path of options.validator) {
    const entry = await readValidatorEntry(path, log);
    if (entry !== undefined) validators.push(entry);
  }
  const allocations: (readonly AllocationEntry[])[] = [];
  for (const argument of options.allocation) allocations.push(await readAllocations(argument, log));
  const request = {
    preset: options.preset,
    genesisTimeMs: options.time,
    validators,
    allocations: allocations.flat(),
    snapshots: options.snapshot,
    decimals: options.decimals,
    directory: options.out,
    force: options.force,
    ...showProgress(context),
  };
  const { state, files } = await createGenesis(request, log);
  const report = { files, ...reportGenesis(state) };
  return options.json ? toJson(report) : formatGenesis(report);
}

function checkCommand(context: GenesisContext): Command {
  return new Command('check')
    .description('check a genesis document and its snapshots: every fault, or its id and supply')
    .argument('<file>', 'genesis.json; its snapshots lie beside it')
    .option('--json', 'print JSON', false)
    .action((file: string, options: JsonOption) =>
      answer(context, options, async () => {
        const report = reportGenesis(await loadGenesis(file, showProgress(context)));
        return options.json ? toJson({ valid: true, ...report }) : formatGenesis(report);
      }),
    );
}

function idCommand(context: GenesisContext): Command {
  return new Command('id')
    .description('print the id of a genesis: equal for everybody who starts from the same state and rules')
    .argument('<file>', 'genesis.json; its snapshots lie beside it')
    .option('--json', 'print JSON', false)
    .action((file: string, options: JsonOption) =>
      answer(context, options, async () => {
        const id = toHex((await loadGenesis(file, showProgress(context))).id);
        return options.json ? toJson({ id }) : `${id}\n`;
      }),
    );
}

function showProgress({ progress }: GenesisContext): { onProgress?: (file: string, rows: number) => void } {
  if (progress === undefined) return {};
  return {
    onProgress: (file, rows) => {
      progress(`${file}: ${rows.toLocaleString('en-GB')} holders read`);
    },
  };
}

function parseTime(text: string): number {
  const timeMs = parseTimeMs(text);
  if (timeMs !== undefined) return timeMs;
  throw new InvalidArgumentError('expected 2027-01-01T00:00:00Z or Unix milliseconds.');
}

const CREATE_HELP = `
A validator's stake comes out of what its owner is allocated. What nobody is allocated, of 21,000,000 OGPU,
becomes the reserve that pays validator rewards. An address may stand in one source only, and once.

Example:
  $ ogpu genesis create --preset testnet --time 2027-01-01T00:00:00Z --out testnet \\
      --validator alice.json bob.json --snapshot holders.csv --decimals 18 \\
      --allocation 0x70997970C51812dc3A010C7d01b50e0d17dc79C8=50000
`;

const GROUP_HELP = `
How a chain starts:
  1. each validator makes its entry:     ogpu genesis validator
  2. one person gathers the entries:     ogpu genesis create
  3. everybody checks the result:        ogpu genesis check genesis.json
  4. and compares the id over the phone: ogpu genesis id genesis.json
`;
