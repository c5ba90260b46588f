import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.js';
import { addConfigFlags } from '../config/flags.js';
import { configTemplate, toToml } from '../config/template.js';
import {
  examples,
  formatTable,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
  type JsonOption,
} from './command-context.js';
import { configOf, type ConfigOptions } from './config-options.js';

/** The `config` group of the command line: what a node would be told. */
export function configCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('config')
    .description('show, check and begin the configuration of a node')
    .addCommand(showCommand(context))
    .addCommand(checkCommand(context))
    .addCommand(templateCommand(context));
}

function showCommand(context: CommandContext): Command {
  const command = new Command('show')
    .description('print every setting in force and where its value comes from')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      examples(
        ['ogpu config show --data /srv/ogpu', 'of the node in this folder'],
        ['ogpu config show --json | jq .settings', 'for scripts'],
      ),
    );
  return addConfigFlags(command).action(async (options: ConfigOptions & JsonOption) => {
    const { file, effective } = await configOf(context, options);
    const report = {
      file: file ?? null,
      settings: effective.map(({ path, value, source }) => ({ path, value: value ?? null, source })),
    };
    const rows = effective.map(({ path, value, source }) => [
      path,
      value === undefined ? '-' : toToml(value),
      source,
    ]);
    await print(context, options, report, formatTable(['setting', 'value', 'from'], rows));
  });
}

function checkCommand(context: CommandContext): Command {
  const command = new Command('check')
    .description('tell everything that is wrong with a configuration, or nothing')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      examples([
        'ogpu config check --config new.toml',
        'before a node is started with it; exit code 1 where it has faults',
      ]),
    );
  return addConfigFlags(command).action(async (options: ConfigOptions & JsonOption) => {
    const { file, config } = await configOf(context, options);
    const validator = config.validator && toHex(config.validator.owner);
    const report = { valid: true, file: file ?? null, dataDir: config.dataDir, validator: validator ?? null };
    await print(context, options, report, `${file ?? 'the defaults'}: right\n`);
  });
}

function templateCommand(context: CommandContext): Command {
  return new Command('template')
    .description('print a configuration file with every setting as a comment')
    .addHelpText('after', examples(['ogpu config template > config.toml', 'a file to begin with']))
    .action(() => context.write(configTemplate()));
}
