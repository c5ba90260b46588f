import { ConfigError, formatConfigFaults } from '../config/config-error.js';
import { flagValues } from '../config/flags.js';
import { resolveConfig, type LoadedConfig } from '../config/load.js';
import { toJson } from '../terminal-text.js';
import type { CommandContext } from './command-context.js';

/** Options of a command that `addConfigFlags` was given. */
export type ConfigOptions = Readonly<Record<string, unknown>> & { readonly json?: boolean };

/**
 * The configuration that a command line, the environment and the file come to.
 *
 * @throws ConfigError after its faults have been printed, one a line
 */
export async function configOf(context: CommandContext, options: ConfigOptions): Promise<LoadedConfig> {
  try {
    const file = typeof options['config'] === 'string' ? options['config'] : undefined;
    return await resolveConfig({ file, env: process.env, flags: flagValues(options) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (options.json === true) await context.write(toJson({ valid: false, faults: error.faults }));
    else context.warn(formatConfigFaults(error.faults));
    throw error.told();
  }
}
