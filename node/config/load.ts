import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { cut } from '../../genesis/faults.js';
import { CATALOGUE, settingAt, type NamedSetting } from './catalogue.js';
import { ConfigError, type ConfigFault } from './config-error.js';
import { CONFIG_VARIABLE, readEnvironment, type Environment } from './environment.js';
import type { Layer, Written } from './layer.js';
import type { AllValues, NodeConfig } from './node-config.js';
import { relationFaults } from './relations.js';
import type { Setting } from './setting.js';
import { isThere, readTomlFile } from './toml-file.js';

export const CONFIG_FILE = 'config.toml';

export interface ConfigSources {
  /** Of `--config`. Otherwise OGPU_CONFIG names the file, otherwise `config.toml` in the data folder is taken if it is there. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** From the command line, by path of the setting: see `flagValues`. */
  readonly flags?: Layer;
  /** Folder that relative paths outside the file are meant from. */
  readonly folder?: string;
}

/** A setting with the value in force and where that comes from. */
export interface EffectiveSetting {
  readonly path: string;
  /** As written. */
  readonly value: unknown;
  readonly source: string;
}

export interface LoadedConfig {
  readonly config: NodeConfig;
  /** The file that was read. */
  readonly file: string | undefined;
  readonly effective: readonly EffectiveSetting[];
}

/**
 * The configuration in force: flags before environment before file before defaults.
 *
 * @throws ConfigError CONFIG_INVALID with everything that is wrong, wherever it was said
 */
export async function loadConfig(sources: ConfigSources): Promise<NodeConfig> {
  return (await resolveConfig(sources)).config;
}

/** As {@link loadConfig}, with where each value comes from. */
export async function resolveConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { flags = EMPTY, env, folder = process.cwd() } = sources;
  const environment = readEnvironment(env, folder);
  const above = [flags, environment];
  const file = await findFile(sources, above, folder);
  const fromFile = file === undefined ? EMPTY : await readTomlFile(file);
  const layers = [...above, fromFile];
  const faults = layers.flatMap((layer) => layer.faults);
  const dataDir = dataDirOf(layers);
  const effective = CATALOGUE.map((entry) => ({
    ...(writtenIn(layers, entry.path) ?? initialOf(entry, dataDir)),
    path: entry.path,
  }));
  const values = parseAll(effective, faults);
  // What belongs together is judged where each part is right by itself.
  if (faults.length === 0) faults.push(...relationFaults(values, sourceIn(effective)));
  if (faults.length > 0) throw new ConfigError(faults);
  return { config: configOf(values), file, effective };
}

const EMPTY: Layer = { values: new Map(), faults: [] };

async function findFile(
  { file, env }: ConfigSources,
  above: readonly Layer[],
  folder: string,
): Promise<string | undefined> {
  const name = file ?? (env[CONFIG_VARIABLE] === '' ? undefined : env[CONFIG_VARIABLE]);
  if (name !== undefined) return absolute(name, folder);
  const path = join(dataDirOf(above), CONFIG_FILE);
  return (await isThere(path)) ? path : undefined;
}

/** Known before everything else, since other defaults lie in it. What is wrong with it is reported with all the rest. */
function dataDirOf(layers: readonly Layer[]): string {
  const { setting } = settingAt('dataDir');
  const written = writtenIn(layers, 'dataDir');
  const value = typeof written?.value === 'string' ? written.value : String(setting.initial);
  return absolute(value, written?.folder ?? homedir());
}

function writtenIn(layers: readonly Layer[], path: string): Written | undefined {
  for (const { values } of layers) {
    const written = values.get(path);
    if (written !== undefined) return written;
  }
  return undefined;
}

function initialOf({ setting }: NamedSetting, dataDir: string): Written {
  return { value: setting.initial, source: 'default', folder: dataDir };
}

/** Every value as its setting reads it. Those that are wrong are missing and reported. */
function parseAll(
  effective: readonly (Written & { readonly path: string })[],
  faults: ConfigFault[],
): AllValues {
  const values: Record<string, unknown> = {};
  for (const { path, ...written } of effective) {
    const { setting, section, name } = settingAt(path);
    const result = setting.schema.safeParse(written.value);
    if (!result.success) {
      faults.push(...result.error.issues.map((issue) => faultOf(path, written, setting, issue)));
      continue;
    }
    const isPath = setting.isPath && typeof result.data === 'string';
    const value = isPath ? absolute(String(result.data), written.folder) : result.data;
    if (section === '') values[name] = value;
    else values[section] = { ...Object(values[section]), [name]: value };
  }
  // Complete and of these types where no fault was found; nobody reads it otherwise.
  return values as unknown as AllValues;
}

function faultOf(
  path: string,
  { value, source }: Written,
  { expected }: Setting<unknown>,
  issue: z.core.$ZodIssue,
): ConfigFault {
  const place = issue.path.reduce<string>((at, key) => `${at}[${String(key)}]`, path);
  const [index] = issue.path;
  const got = typeof index === 'number' && Array.isArray(value) ? (value as unknown[])[index] : value;
  const reason = issue.code === 'custom' && issue.message !== 'Invalid input' ? `: ${issue.message}` : '';
  const message = `expected ${expected}, got ${show(got)}${reason}`;
  return { path: place, code: 'CONFIG_VALUE', message, source };
}

const MAX_SHOWN_CHARACTERS = 120;

function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return cut(text, MAX_SHOWN_CHARACTERS);
}

function absolute(path: string, folder: string): string {
  if (path === '~') return homedir();
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(folder, path);
}

function sourceIn(effective: readonly EffectiveSetting[]): (path: string) => string {
  const sources = new Map(effective.map(({ path, source }) => [path, source]));
  return (path) => sources.get(path) ?? 'default';
}

function configOf(values: AllValues): NodeConfig {
  const { validator, sync, rpc, ...rest } = values;
  const { enabled, keystoreFile, passwordFile, owner } = validator;
  const { mode, trustedHeight: height, trustedId: id, snapshotIntervalBlocks } = sync;
  const isSigning =
    enabled && keystoreFile !== undefined && passwordFile !== undefined && owner !== undefined;
  const checkpoint = height === undefined || id === undefined ? undefined : { height, id };
  return {
    ...rest,
    rpc: { ...rpc, corsOrigins: rpc.corsOrigins.includes('*') ? '*' : rpc.corsOrigins },
    validator: isSigning ? { keystoreFile, passwordFile, owner } : undefined,
    sync: { mode, checkpoint, snapshotIntervalBlocks },
  };
}
