import { homedir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { toChecksumAddress } from '../../protocol/address.js';
import { DEVICES, type DeviceSetting } from '../compute/device.js';
import { formatBytes, parseBytes } from '../config/setting.js';
import { readSecretText } from '../keys/password.js';
import { createLogger, prettyTarget, type Logger } from '../logging/logger.js';
import { eventLog } from '../provider/event-log.js';
import { ProviderService, type ProviderOptions } from '../provider/service.js';
import { examples, integerBetween, type CommandContext } from './command-context.js';
import { parseOgpu, walletOf, walletOptions, type WalletCommandOptions } from './online-options.js';

interface StartOptions extends WalletCommandOptions {
  readonly data: string;
  readonly tokenFile?: string;
  readonly minPrice?: bigint;
  readonly maxJobs: number;
  readonly maxExposure?: bigint;
  /** Bytes, as all sizes here. */
  readonly maxMemory: number;
  readonly maxData: number;
  readonly maxWeights: number;
  readonly source: readonly string[];
  readonly device: DeviceSetting;
  readonly devices: number;
  readonly cheat?: number;
}

const GIB = 2 ** 30;

/** `ogpu provider start`: the agent of a provider, until it is told to stop. */
export function startCommand(context: CommandContext): Command {
  return walletOptions(new Command('start'))
    .description('run the agent: claim jobs, compute them, lay results open; SIGTERM finishes what it has')
    .option('--data <folder>', 'its secret, results, weights', join(homedir(), '.ogpu', 'provider'))
    .option('--token-file <file>', 'token of the operator of the node, where that is on another machine')
    .option(
      '--min-price <amount>',
      'least OGPU for 10¹² metered units of work; anything unless given',
      parseOgpu,
    )
    .option('--max-jobs <count>', 'jobs at one time, claims among them', integerBetween(1, 1_000), 4)
    .option('--max-exposure <amount>', 'most OGPU in bonds at one time; the lockup unless given', parseOgpu)
    .addOption(sizeOption('--max-memory', 'on the device, for one segment', 2 * GIB))
    .addOption(sizeOption('--max-data', 'of weights, input and output of one job together', GIB))
    .addOption(sizeOption('--max-weights', 'of weights that are kept on the disk', 8 * GIB))
    .option('--source <id>', 'runs jobs of this source; can be repeated; all unless given', listOfSources, [])
    .addOption(
      new Option('--device <device>', 'a GPU that answers as the reference does, or the processor')
        .choices(DEVICES)
        .default('auto'),
    )
    .option('--devices <count>', 'jobs that are computed at the same time', integerBetween(1, 64), 1)
    .addOption(
      new Option('--cheat <percent>', 'make up this share of each result, on a devnet')
        .argParser(integerBetween(1, 100))
        .hideHelp(),
    )
    .addHelpText(
      'after',
      examples(
        ['ogpu provider start --from account-0xf39f', 'asks for the password of the key'],
        [
          'ogpu provider start --password-file account.pw --max-jobs 2 --max-exposure 200 --json',
          'as a service: entries of its log as JSON',
        ],
      ),
    )
    .action((options: StartOptions) => start(context, options));
}

async function start(context: CommandContext, options: StartOptions): Promise<void> {
  const log = logFor(context, options);
  const wallet = await walletOf(context, options);
  const service = await ProviderService.open({
    ...settingsOf(options),
    ...{ wallet, onEvent: eventLog(log) },
    token: options.tokenFile === undefined ? undefined : (await readSecretText(options.tokenFile)).trim(),
  });
  const address = toChecksumAddress(wallet.address);
  log.info({ event: 'started', address, rpcUrl: options.rpcUrl }, `provider of ${address} started`);
  if (options.minPrice === undefined)
    log.warn({ event: 'warning' }, 'takes jobs at any price: name the least with --min-price');
  if (options.cheat !== undefined)
    log.warn({ event: 'cheating', percent: options.cheat }, CHEATING.replace('%', `${options.cheat} %`));
  const stop = (): void => {
    service.stop();
  };
  const unlisten = onStopSignals(stop, (count) => {
    const isFirst = count === 1;
    log.info({ event: isFirst ? 'draining' : 'stopping' }, isFirst ? DRAINING : 'stops at once');
    if (isFirst) service.drain();
    else stop();
  });
  try {
    await service.run();
  } finally {
    unlisten();
  }
  log.info({ event: 'stopped' }, 'provider stopped');
}

const DRAINING = 'claims nothing more, and ends when its jobs are over; a second signal stops it at once';
const CHEATING = 'CHEATS: % of the segments of each job are made up; its bonds will be lost';

function settingsOf(options: StartOptions): Omit<ProviderOptions, 'wallet' | 'onEvent'> {
  const { source, minPrice = 0n, maxExposure = 2n ** 128n } = options;
  return {
    ...{
      rpcUrl: options.rpcUrl,
      dataDir: resolve(options.data),
      device: options.device,
      devices: options.devices,
    },
    policy: {
      ...{ minPriceWeiPerGiga: minPrice / 1_000n, maxJobs: options.maxJobs, maxExposureWei: maxExposure },
      maxMemoryBytes: options.maxMemory,
      ...(source.length === 0 ? {} : { sources: new Set(source) }),
    },
    maxDataBytes: Math.min(options.maxData, totalmem()),
    maxWeightsBytes: options.maxWeights,
    hidden: [resolve(options.dir)],
    cheatPercent: options.cheat,
  };
}

function logFor(context: CommandContext, { json }: StartOptions): Logger {
  // Who reads the log may have left: the agent goes on without it.
  const target = { write: (line: string) => void context.write(line).catch(() => undefined) };
  return createLogger('info', json ? target : prettyTarget(target, false));
}

/** @param orphaned called when a process that supervises this one is gone. @returns ends the listening */
function onStopSignals(orphaned: () => void, told: (count: number) => void): () => void {
  let count = 0;
  const listener = (): void => {
    count++;
    told(count);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, listener);
  process.once('disconnect', orphaned);
  // The channel to a supervisor alone keeps nothing running.
  process.channel?.unref();
  return () => {
    for (const signal of signals) process.off(signal, listener);
    process.off('disconnect', orphaned);
  };
}

function sizeOption(name: string, about: string, initial: number): Option {
  return new Option(`${name} <size>`, about).argParser(parseSize).default(initial, formatBytes(initial));
}

function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('expected a size such as 512MiB or 8GiB.');
}

function listOfSources(text: string, before: readonly string[]): string[] {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return [...before, text.toLowerCase()];
  throw new InvalidArgumentError('expected 0x and 64 hex digits.');
}
