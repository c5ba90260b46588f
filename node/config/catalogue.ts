import { invariant } from '../../protocol/invariant.js';
import type { Setting } from './setting.js';
import { SETTINGS } from './settings.js';

/** A setting and its names. */
export interface NamedSetting {
  /** In the file, and in every fault: `p2p.maxPeers`. */
  readonly path: string;
  /** `p2p`; empty for those above all sections. */
  readonly section: string;
  /** Last part of the path. */
  readonly name: string;
  readonly flag: string;
  readonly variable: string;
  readonly setting: Setting<unknown>;
}

/** All settings in the order of their documentation. */
export const CATALOGUE: readonly NamedSetting[] = Object.entries(SETTINGS).flatMap(([name, entry]) =>
  isSetting(entry)
    ? [named('', name, entry)]
    : Object.entries<Setting<unknown>>(entry).map(([inner, setting]) => named(name, inner, setting)),
);

export const BY_PATH: ReadonlyMap<string, NamedSetting> = new Map(
  CATALOGUE.map((entry) => [entry.path, entry]),
);

export const SECTION_NAMES: readonly string[] = [...new Set(CATALOGUE.map(({ section }) => section))].filter(
  (section) => section !== '',
);

/** @param path of a setting that there is */
export function settingAt(path: string): NamedSetting {
  const entry = BY_PATH.get(path);
  invariant(entry !== undefined, `${path} is a setting`);
  return entry;
}

/** The value of a text from the environment or the command line; text that means nothing in this form stays, to be refused. */
export function fromText({ setting }: NamedSetting, text: string): unknown {
  switch (setting.form) {
    case 'integer':
      return /^-?\d{1,16}$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'text':
      return text;
  }
}

function isSetting(entry: object): entry is Setting<unknown> {
  return 'schema' in entry;
}

function named(section: string, name: string, setting: Setting<unknown>): NamedSetting {
  const path = section === '' ? name : `${section}.${name}`;
  const words = path
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace('.', '-')
    .toLowerCase();
  const flag = setting.flag ?? `--${words}`;
  return { path, section, name, flag, variable: `OGPU_${words.replaceAll('-', '_').toUpperCase()}`, setting };
}
