import { CATALOGUE, type NamedSetting } from './catalogue.js';
import { SECTIONS } from './settings.js';
import { configTemplate, toToml } from './template.js';

/** The tables of docs/configuration.md. */
export function documentSettings(): string {
  const sections = ['', ...Object.keys(SECTIONS)];
  return sections.map((section) => documentSection(section)).join('\n');
}

/** The commented file of docs/configuration.md. */
export function documentTemplate(): string {
  return `\`\`\`toml\n${configTemplate()}\`\`\`\n`;
}

function documentSection(section: string): string {
  const entries = CATALOGUE.filter((entry) => entry.section === section);
  const title = section === '' ? 'Above all sections' : `\`[${section}]\` ${SECTIONS[section] ?? ''}`;
  return [
    `### ${title.replace(/\.$/, '')}\n`,
    '| setting | default | meaning |',
    '|---|---|---|',
    ...entries.map(row),
    '',
  ].join('\n');
}

function row({ path, flag, variable, setting }: NamedSetting): string {
  const initial = setting.initial === undefined ? 'none' : `\`${toToml(setting.initial)}\``;
  const meaning = `${setting.about} Expected: ${setting.expected}.`;
  return `| \`${path}\`<br>\`${flag}\`<br>\`${variable}\` | ${initial} | ${meaning.replaceAll('|', '\\|')} |`;
}
