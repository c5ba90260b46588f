import { CATALOGUE, type NamedSetting } from './catalogue.js';
import { SECTIONS } from './settings.js';

/** Values to write in place of the defaults, by path. */
export type TemplateValues = Readonly<Record<string, unknown>>;

/** The text of a new configuration file: every setting with its meaning; those that are not given stay comments. */
export function configTemplate(given: TemplateValues = {}): string {
  const lines = [
    '# Configuration of an oGPU node. A line that begins with # says what holds without it.',
    '# Flags go before variables of the environment, and those before this file: docs/configuration.md.',
  ];
  let open = '';
  for (const entry of CATALOGUE) {
    if (entry.section !== open) {
      open = entry.section;
      lines.push('', `# ${SECTIONS[open] ?? ''}`, `[${open}]`);
    }
    lines.push('', ...comment(entry), assignment(entry, given[entry.path]));
  }
  return `${lines.join('\n')}\n`;
}

/** A value as TOML. */
export function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(', ')}]`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // TOML's basic strings escape as JSON's do, and take no raw control characters either.
  return JSON.stringify(String(value)).replace(/\u007f/g, '\\u007f');
}

const MAX_LINE = 110;

function comment({ setting }: NamedSetting): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of `${setting.about} Expected: ${setting.expected}.`.split(' ')) {
    if (line.length + 1 + word.length > MAX_LINE) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function assignment({ name, setting }: NamedSetting, given: unknown): string {
  if (given !== undefined) return `${name} = ${toToml(given)}`;
  if (setting.initial !== undefined) return `# ${name} = ${toToml(setting.initial)}`;
  return `# Not set. An example:\n# ${name} = ${toToml(setting.example)}`;
}
