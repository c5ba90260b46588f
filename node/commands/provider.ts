import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { ProviderAnswer } from '../client/answers.js';
import { providersIntent } from '../client/transact.js';
import { findGpu, type AnnouncedGpu } from '../provider/gpu-inventory.js';
import { examples, formatRows, print, PROCESS_CONTEXT, type CommandContext } from './command-context.js';
import {
  clientOf,
  onlineOptions,
  parseAddressArgument,
  parseOgpu,
  parseOgpuOrAll,
  sendAndPrint,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';
import { startCommand } from './provider-start.js';

/** The `provider` group of the command line: who computes jobs for pay. */
export function providerCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('provider')
    .description('run jobs for pay: register a provider, start its agent, see to its lockup')
    .addCommand(registerCommand(context))
    .addCommand(startCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(depositCommand(context))
    .addCommand(withdrawCommand(context))
    .addCommand(plainCommand(context, DRAIN))
    .addCommand(plainCommand(context, RESUME))
    .addCommand(plainCommand(context, EXIT))
    .addHelpText('after', GROUP_HELP);
}

interface RegisterOptions extends WalletCommandOptions {
  readonly name: string;
  readonly lockup: bigint;
  readonly gpu: readonly AnnouncedGpu[];
}

function registerCommand(context: CommandContext): Command {
  return walletOptions(new Command('register'))
    .description('make the account the master of a provider, with a lockup that its bonds are taken from')
    .requiredOption('--name <name>', 'shown to people: 1 to 64 printable ASCII characters')
    .requiredOption('--lockup <amount>', 'OGPU from the account', parseOgpu)
    .option(
      '--gpu <gpu>',
      'vendor:model:memory in MiB:count, for each kind; what this machine has unless given',
      listOfGpus,
      [],
    )
    .addHelpText(
      'after',
      examples(
        ['ogpu provider register --name alice --lockup 500', 'names the GPU that is found here'],
        [
          'ogpu provider register --name bob --lockup 500 --gpu nvidia:rtx-4090:24576:2',
          'names another machine’s',
        ],
      ),
    )
    .action((options: RegisterOptions) =>
      sendAndPrint(context, options, async (wallet) => {
        const gpus = options.gpu.length > 0 ? options.gpu : await gpusHere(context);
        const listed = gpus.map(({ vendor, model, vramMiB, count }) => [
          ...[vendor, model, BigInt(vramMiB), BigInt(count)],
        ]);
        const address = toChecksumAddress(wallet.address);
        return {
          done: `${address} is a provider with ${formatOgpu(options.lockup)} OGPU of lockup`,
          intent: providersIntent('register', [options.name, listed, []], options.lockup),
        };
      }),
    );
}

async function gpusHere(context: CommandContext): Promise<readonly AnnouncedGpu[]> {
  const found = await findGpu();
  if (found !== undefined) return [found];
  context.warn('no GPU is named: none that computes was found here, or not how much memory it has (--gpu)\n');
  return [];
}

function listOfGpus(text: string, before: readonly AnnouncedGpu[]): AnnouncedGpu[] {
  const [, vendor, model, memory, count] =
    /^([a-z0-9._-]{1,32}):([a-z0-9._-]{1,64}):(\d{1,9}):(\d{1,6})$/.exec(text) ?? [];
  if (vendor === undefined || model === undefined || Number(memory) < 1 || Number(count) < 1)
    throw new InvalidArgumentError('expected vendor:model:MiB:count, like nvidia:rtx-4090:24576:1.');
  return [...before, { vendor, model, vramMiB: Number(memory), count: Number(count) }];
}

function statusCommand(context: CommandContext): Command {
  return onlineOptions(new Command('status'))
    .description('show a provider: its lockup, what is locked, how its jobs have ended')
    .addArgument(
      new Argument('<address>', 'of its master, or that stands for it').argParser(parseAddressArgument),
    )
    .addHelpText(
      'after',
      examples([
        'ogpu provider status 0xf39F…',
        'its jobs: `ogpu job list --provider` with the address of the master',
      ]),
    )
    .action(async (address: Address, options: OnlineOptions) => {
      const found = await clientOf(options).call(
        'ogpu_provider',
        [toChecksumAddress(address)],
        ProviderAnswer,
      );
      await print(context, options, providerJson(found), describe(found));
    });
}

function depositCommand(context: CommandContext): Command {
  return walletOptions(new Command('deposit'))
    .description('add to the lockup of a provider, which its bonds are taken from')
    .addArgument(new Argument('<amount>', 'in OGPU').argParser(parseOgpu))
    .addOption(
      new Option('--provider <address>', 'its master; the account itself unless given').argParser(
        parseAddressArgument,
      ),
    )
    .addHelpText('after', examples(['ogpu provider deposit 100', 'more jobs at a time, or dearer ones']))
    .action((amountWei: bigint, options: WalletCommandOptions & { readonly provider?: Address }) =>
      sendAndPrint(context, options, (wallet) => {
        const { provider = wallet.address } = options;
        return {
          done: `${formatOgpu(amountWei)} OGPU are lockup of ${toChecksumAddress(provider)}`,
          intent: providersIntent('deposit', [provider], amountWei),
        };
      }),
    );
}

function withdrawCommand(context: CommandContext): Command {
  return walletOptions(new Command('withdraw'))
    .description('begin to pay out lockup that no bond has locked; it comes after the unbonding time')
    .addArgument(new Argument('<amount>', 'in OGPU, or all that is free').argParser(parseOgpuOrAll))
    .addHelpText(
      'after',
      examples([
        'ogpu provider withdraw all',
        '`ogpu provider status` shows when it is paid; at most 8 at a time',
      ]),
    )
    .action((amount: bigint | 'all', options: WalletCommandOptions) =>
      sendAndPrint(context, options, async (wallet) => {
        const amountWei = amount === 'all' ? await freeLockup(options, wallet.address) : amount;
        return {
          done: `${formatOgpu(amountWei)} OGPU of lockup on their way out`,
          intent: providersIntent('withdraw', [amountWei]),
        };
      }),
    );
}

async function freeLockup(options: OnlineOptions, address: Address): Promise<bigint> {
  const name = toChecksumAddress(address);
  const { lockup } = await clientOf(options).call('ogpu_provider', [name], ProviderAnswer);
  return lockup.freeWei;
}

/** A command that calls a function without arguments. */
interface Plain {
  readonly name: 'drain' | 'resume' | 'exit';
  readonly about: string;
  readonly done: string;
  readonly example: string;
}

const DRAIN: Plain = {
  name: 'drain',
  about: 'take no new jobs, on any machine; those under way go on',
  done: 'takes no new jobs',
  example: 'before a machine is mended or moved',
};
const RESUME: Plain = {
  name: 'resume',
  about: 'take jobs again, after a drain or an exit that is not over',
  done: 'takes jobs again',
  example: 'undoes drain and exit',
};
const EXIT: Plain = {
  name: 'exit',
  about: 'withdraw all lockup and be forgotten when it is paid; no bond may be locked',
  done: 'leaves: its lockup is on its way out',
  example: 'its reputation is forgotten with it',
};

function plainCommand(context: CommandContext, { name, about, done, example }: Plain): Command {
  return walletOptions(new Command(name))
    .description(about)
    .addHelpText('after', examples([`ogpu provider ${name}`, example]))
    .action((options: WalletCommandOptions) =>
      sendAndPrint(context, options, (wallet) => ({
        done: `${toChecksumAddress(wallet.address)} ${done}`,
        intent: providersIntent(name, []),
      })),
    );
}

function providerJson({ lockup, withdrawals, reputation, ...rest }: ProviderAnswer): unknown {
  const { totalWei, lockedWei, unbondingWei, freeWei } = lockup;
  return {
    ...rest,
    lockup: {
      ...{ totalWei: totalWei.toString(), lockedWei: lockedWei.toString() },
      ...{ unbondingWei: unbondingWei.toString(), freeWei: freeWei.toString() },
    },
    withdrawals: withdrawals.map((each) => ({ ...each, amountWei: each.amountWei.toString() })),
    reputation: {
      ...reputation,
      ...{ earnedWei: reputation.earnedWei.toString(), slashedWei: reputation.slashedWei.toString() },
    },
  };
}

function describe({ id, name, status, mayClaim, lockup, withdrawals, reputation }: ProviderAnswer): string {
  const { accepted, rejected, withheld, abandoned, inconclusive, released } = reputation;
  return formatRows([
    ['provider', id],
    ['name', name],
    ['status', mayClaim ? status : `${status}, may claim nothing`],
    ['lockup', `${formatOgpu(lockup.totalWei)} OGPU, ${formatOgpu(lockup.freeWei)} of it free`],
    ['in bonds', `${formatOgpu(lockup.lockedWei)} OGPU`],
    ...withdrawals.map(
      ({ number, amountWei, dueMs }) =>
        [
          `withdrawal ${number}`,
          `${formatOgpu(amountWei)} OGPU, not before ${new Date(dueMs).toISOString()}`,
        ] as const,
    ),
    ['accepted', `${accepted}, ${released} given back in time`],
    ['failed', `${rejected} rejected, ${withheld} withheld, ${abandoned} abandoned`],
    ['undecided', `${inconclusive}`],
    ['earned', `${formatOgpu(reputation.earnedWei)} OGPU`],
    ['slashed', `${formatOgpu(reputation.slashedWei)} OGPU`],
  ]);
}

const GROUP_HELP = `
A provider computes jobs that clients post, and is paid when validators have computed a sample of them again and agree. For each job a
bond is locked: who makes results up, or does not lay them open, loses it. What an operator does and risks: docs/providers.md.
`;
