import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { toChecksumAddress } from '../../protocol/address.js';
import { formatOgpu, OGPU_DECIMALS, parseAmountWei } from '../../protocol/amounts.js';
import { ProviderAnswer } from '../client/answers.js';
import { providersIntent } from '../client/transact.js';
import { DEVICES, type DeviceSetting } from '../compute/device.js';
import { parseBytes } from '../config/setting.js';
import { openLog } from '../logging/logger.js';
import { runAgent } from '../provider/run-agent.js';
import {
  examples,
  formatRows,
  formatTable,
  integerBetween,
  parsedBy,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
import {
  clientOf,
  onlineOptions,
  parseAddressArgument,
  parseOgpu,
  sendAndPrint,
  walletOf,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** The `provider` group of the command line: who runs jobs for pay. */
export function providerCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('provider')
    .description('register a provider, run its agent, look at it, put lockup in and take it out')
    .addCommand(registerCommand(context))
    .addCommand(startCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(depositCommand(context))
    .addCommand(withdrawCommand(context))
    .addCommand(plainCommand(context, 'drain', 'be given nothing new; what is under way goes on', 'draining'))
    .addCommand(plainCommand(context, 'resume', 'be given jobs again', 'active again'))
    .addCommand(
      plainCommand(
        context,
        'exit',
        'leave: all that is free is withdrawn, and the name is forgotten with it',
        'leaving',
      ),
    )
    .addHelpText('after', GROUP_HELP);
}

interface Gpu {
  readonly vendor: string;
  readonly model: string;
  readonly vramMiB: number;
  readonly count: number;
}

interface RegisterOptions extends WalletCommandOptions {
  readonly name: string;
  readonly lockup: bigint;
  readonly gpu: readonly Gpu[];
}

function registerCommand(context: CommandContext): Command {
  return walletOptions(new Command('register'))
    .description('make the account the master of a provider')
    .requiredOption('--name <name>', 'as people shall know it')
    .addOption(
      new Option('--lockup <OGPU>', 'that answers for its bonds').argParser(parseOgpu).makeOptionMandatory(),
    )
    .option('--gpu <vendor:model:MiB[:count]>', 'what it has; may be repeated', addGpu, [])
    .addHelpText(
      'after',
      examples([
        'ogpu provider register --name acme --lockup 500 --gpu nvidia:h200:141000:8',
        'then: ogpu provider start',
      ]),
    )
    .action((options: RegisterOptions) =>
      sendAndPrint(context, options, ({ address }) => ({
        done: `provider ${options.name} registered as ${toChecksumAddress(address)}`,
        intent: providersIntent(
          'register',
          [
            options.name,
            options.gpu.map(({ vendor, model, vramMiB, count }) => [
              vendor,
              model,
              BigInt(vramMiB),
              BigInt(count),
            ]),
            [],
          ],
          options.lockup,
        ),
      })),
    );
}

interface StartOptions extends WalletCommandOptions {
  readonly data: string;
  readonly minPrice: bigint;
  readonly maxJobs: number;
  readonly maxExposure: bigint;
  readonly maxMemory: number;
  readonly source: readonly string[];
  readonly device: DeviceSetting;
  readonly devices: number;
  readonly cheat?: number;
}

function startCommand(context: CommandContext): Command {
  return walletOptions(new Command('start'))
    .description('run the agent: claim jobs that pay, compute, commit, unseal, hand out the output')
    .option(
      '--data <folder>',
      'of its results and its secret, for one agent',
      join(homedir(), '.ogpu', 'provider'),
    )
    .addOption(
      new Option('--min-price <OGPU>', 'least, for 10^12 metered units of work')
        .argParser(parseOgpuOrZero)
        .default(0n, '0'),
    )
    .option('--max-jobs <number>', 'at one time, claims among them', integerBetween(1, 1_000), 2)
    .addOption(
      new Option('--max-exposure <OGPU>', 'most that may be locked in bonds')
        .argParser(parseOgpu)
        .default(10n ** 30n, 'all of the lockup'),
    )
    .addOption(
      new Option('--max-memory <size>', 'that one segment may take, such as 8GiB')
        .argParser(parseSize)
        .default(2 * 2 ** 30, '2GiB'),
    )
    .option('--source <id>', 'run only this one; may be repeated', addSource, [])
    .addOption(new Option('--device <which>', 'what computes').choices(DEVICES).default('auto'))
    .option('--devices <number>', 'jobs computed at the same time', integerBetween(1, 64), 1)
    .addOption(
      new Option('--cheat <percent>', 'make up so much of each result: for devnets')
        .argParser(integerBetween(1, 100))
        .hideHelp(),
    )
    .addHelpText('after', START_HELP)
    .action((options: StartOptions) => start(context, options));
}

async function start(context: CommandContext, options: StartOptions): Promise<void> {
  const wallet = await walletOf(context, options);
  const opened = openLog({ level: 'info', format: options.json ? 'json' : 'auto' });
  const log = opened.logger;
  const signals = stopSignals();
  const folder = resolve(options.data);
  log.info({ provider: toChecksumAddress(wallet.address), folder, node: options.rpcUrl }, 'agent started');
  try {
    await runAgent(
      {
        ...{ rpcUrl: options.rpcUrl, wallet, folder, hidden: [resolve(options.dir)], log },
        ...{ device: options.device, devices: options.devices, cheatPercent: options.cheat },
        policy: {
          minPriceWeiPerGiga: options.minPrice / 1_000n,
          maxJobs: options.maxJobs,
          maxExposureWei: options.maxExposure,
          maxMemoryBytes: options.maxMemory,
          ...(options.source.length === 0 ? {} : { sources: new Set(options.source) }),
        },
      },
      signals,
    );
    log.info({}, 'stopped');
  } finally {
    opened.flush();
  }
}

/** The first signal drains, the second stops, and so does the end of a supervisor. */
function stopSignals(): { readonly drain: AbortSignal; readonly stop: AbortSignal } {
  const [drain, stop] = [new AbortController(), new AbortController()];
  const ask = (): void => {
    if (drain.signal.aborted) stop.abort();
    drain.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ask);
  process.once('disconnect', () => {
    stop.abort();
  });
  process.channel?.unref();
  return { drain: drain.signal, stop: stop.signal };
}

function statusCommand(context: CommandContext): Command {
  return onlineOptions(new Command('status'))
    .description('show what the chain knows of a provider')
    .addArgument(
      new Argument('<address>', 'its master, or one that stands for it').argParser(parseAddressArgument),
    )
    .addHelpText('after', examples(['ogpu provider status 0x7099… --json', 'for scripts']))
    .action(async (address: Uint8Array, options: OnlineOptions) => {
      const found = await clientOf(options).call(
        'ogpu_provider',
        [toChecksumAddress(address)],
        ProviderAnswer,
      );
      await print(context, options, reportOf(found), describe(found));
    });
}

function reportOf({ lockup, withdrawals, reputation, ...rest }: ProviderAnswer): object {
  const texts = (amounts: Readonly<Record<string, bigint>>): object =>
    Object.fromEntries(Object.entries(amounts).map(([name, wei]) => [name, wei.toString()]));
  const { earnedWei, slashedWei, ...counts } = reputation;
  return {
    ...rest,
    lockup: texts(lockup),
    withdrawals: withdrawals.map(({ amountWei, ...when }) => ({ ...when, amountWei: amountWei.toString() })),
    reputation: { ...counts, ...texts({ earnedWei, slashedWei }) },
  };
}

function describe({ id, name, status, mayClaim, lockup, withdrawals, reputation }: ProviderAnswer): string {
  const ogpu = (wei: bigint): string => `${formatOgpu(wei)} OGPU`;
  const { accepted, rejected, withheld, abandoned, inconclusive, released } = reputation;
  const rows = formatRows([
    ['provider', `${name} (${id})`],
    ['status', mayClaim ? status : `${status}, cannot claim jobs now`],
    [
      'lockup',
      `${ogpu(lockup.totalWei)}: ${ogpu(lockup.freeWei)} free, ${ogpu(lockup.lockedWei)} in bonds, ${ogpu(lockup.unbondingWei)} on its way out`,
    ],
    [
      'attempts',
      `${accepted} accepted, ${rejected} rejected, ${withheld} withheld, ${abandoned} abandoned, ${inconclusive} inconclusive, ${released} released`,
    ],
    ['earned', ogpu(reputation.earnedWei)],
    ['slashed', ogpu(reputation.slashedWei)],
  ]);
  if (withdrawals.length === 0) return rows;
  const table = formatTable(
    ['withdrawal', 'amount (OGPU)', 'not before'],
    withdrawals.map(({ number, amountWei, dueMs, dueHeight }) => [
      ...[String(number), formatOgpu(amountWei), `${new Date(dueMs).toISOString()}, block ${dueHeight}`],
    ]),
  );
  return `${rows}\n${table}`;
}

function depositCommand(context: CommandContext): Command {
  return walletOptions(new Command('deposit'))
    .description('add to the lockup of a provider')
    .addArgument(new Argument('<amount>', 'in OGPU').argParser(parseOgpu))
    .option('--provider <address>', 'its master; yours unless given', parseAddressArgument)
    .addHelpText('after', examples(['ogpu provider deposit 100', 'more lockup carries more bonds']))
    .action((amountWei: bigint, options: WalletCommandOptions & { readonly provider?: Uint8Array }) =>
      sendAndPrint(context, options, ({ address }) => ({
        done: `${formatOgpu(amountWei)} OGPU added to the lockup`,
        intent: providersIntent('deposit', [options.provider ?? address], amountWei),
      })),
    );
}

function withdrawCommand(context: CommandContext): Command {
  return walletOptions(new Command('withdraw'))
    .description('take lockup out that no bond holds: it is paid by itself after the unbonding time')
    .addArgument(new Argument('<amount>', 'in OGPU').argParser(parseOgpu))
    .addHelpText(
      'after',
      examples(['ogpu provider withdraw 50', '`ogpu provider status` shows when it is paid']),
    )
    .action((amountWei: bigint, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${formatOgpu(amountWei)} OGPU on its way out`,
        intent: providersIntent('withdraw', [amountWei]),
      })),
    );
}

function plainCommand(context: CommandContext, name: string, description: string, become: string): Command {
  return walletOptions(new Command(name))
    .description(description)
    .addHelpText('after', examples([`ogpu provider ${name}`, `the provider is ${become}`]))
    .action((options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `the provider is ${become}`,
        intent: providersIntent(name, []),
      })),
    );
}

function addGpu(text: string, before: readonly Gpu[]): Gpu[] {
  const [vendor = '', model = '', vram = '', count = '1', ...rest] = text.split(':');
  const [vramMiB, number] = [Number(vram), Number(count)];
  const isGpu =
    rest.length === 0 &&
    Number.isSafeInteger(vramMiB) &&
    vramMiB > 0 &&
    Number.isSafeInteger(number) &&
    number > 0;
  if (!isGpu || vendor === '' || model === '')
    throw new InvalidArgumentError('expected vendor:model:MiB[:count].');
  return [...before, { vendor, model, vramMiB, count: number }];
}

function addSource(text: string, before: readonly string[]): string[] {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError('expected 0x and 64 hex digits.');
  return [...before, text.toLowerCase()];
}

function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('expected a size such as 512MiB or 8GiB.');
}

function parseOgpuOrZero(text: string): bigint {
  return parsedBy((amount) => parseAmountWei(amount, OGPU_DECIMALS))(text);
}

const START_HELP = `
The agent looks at the chain after every block and does what is to be done next: it can be killed at any time and goes on where it
was. Results lie in its folder until their attempts are over; losing the folder's secret between commitment and unsealing costs the bond.
The first SIGTERM drains: nothing new is claimed, what was given is finished. The second ends it at once.

Examples:
  $ ogpu provider start --from 0x7099… --min-price 0.5
  $ ogpu provider start --device reference --max-jobs 1 --json
`;

const GROUP_HELP = `
A provider earns by running jobs and answers for them with its lockup: docs/providers.md.
`;
