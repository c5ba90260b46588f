import { Option, type Command } from 'commander';
import { CATALOGUE, fromText, type NamedSetting } from './catalogue.js';
import type { Layer, Written } from './layer.js';
import { SECTIONS } from './settings.js';

/** Gives a command `--config` and a flag for every setting. */
export function addConfigFlags(command: Command): Command {
  command.addOption(
    new Option('--config <file>', 'configuration file; otherwise config.toml in the data folder').helpGroup(
      'Configuration:',
    ),
  );
  for (const entry of CATALOGUE) command.addOption(flagOption(entry));
  return command;
}

/**
 * What the flags of {@link addConfigFlags} say.
 *
 * @param options of the command
 */
export function flagValues(options: Readonly<Record<string, unknown>>, folder = process.cwd()): Layer {
  const values = new Map<string, Written>();
  for (const entry of CATALOGUE) {
    const text = options[flagOption(entry).attributeName()];
    if (typeof text !== 'string' && text !== true) continue;
    const value = text === true ? true : fromText(entry, text);
    values.set(entry.path, { value, source: entry.flag, folder });
  }
  return { values, faults: [] };
}

/** Texts as they are: everything is judged at once, with what file and environment say. */
function flagOption({ flag, path, section, setting }: NamedSetting): Option {
  const argument = ARGUMENTS[setting.isPath ? 'path' : setting.form];
  const [first = ''] = setting.about.split('. ');
  const about = `${first.charAt(0).toLowerCase()}${first.slice(1).replace(/\.$/, '')} (${path})`;
  const option = new Option(`${flag} ${argument}`, about);
  if (setting.form === 'list')
    option.argParser((text: string, before: string | undefined) =>
      before === undefined ? text : `${before},${text}`,
    );
  const heading =
    section === '' ? 'Configuration:' : `Configuration of ${section}: ${SECTIONS[section] ?? ''}`;
  return option.helpGroup(heading);
}

const ARGUMENTS = {
  path: '<path>',
  text: '<value>',
  integer: '<number>',
  boolean: '[true|false]',
  list: '<list>',
} as const;
