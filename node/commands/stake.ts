import { Argument, Command } from 'commander';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { DelegationPage, UnbondingPage, type Delegation, type Unbonding } from '../client/answers.js';
import { allPages } from '../client/pages.js';
import { stakingIntent } from '../client/transact.js';
import {
  examples,
  formatTable,
  integerBetween,
  print,
  PROCESS_CONTEXT,
  type CommandContext,
} from './command-context.js';
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

/** The `stake` group of the command line: what a delegator does. */
export function stakeCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('stake')
    .description('delegate to validators, move and take back stake, claim rewards')
    .addCommand(delegateCommand(context))
    .addCommand(undelegateCommand(context))
    .addCommand(redelegateCommand(context))
    .addCommand(cancelCommand(context))
    .addCommand(claimCommand(context))
    .addCommand(listCommand(context))
    .addHelpText('after', GROUP_HELP);
}

function delegateCommand(context: CommandContext): Command {
  return walletOptions(new Command('delegate'))
    .description('add to your stake with a validator')
    .addArgument(validatorArgument('<validator>'))
    .addArgument(new Argument('<amount>', 'in OGPU').argParser(parseOgpu))
    .addHelpText('after', examples(['ogpu stake delegate 0x7099… 100', 'works from the next epoch on']))
    .action((validator: Address, amountWei: bigint, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${formatOgpu(amountWei)} OGPU delegated to ${toChecksumAddress(validator)}`,
        intent: stakingIntent('delegate', [validator], amountWei),
      })),
    );
}

function undelegateCommand(context: CommandContext): Command {
  return walletOptions(new Command('undelegate'))
    .description(
      'take stake back; it is paid by itself after the unbonding time, and can be slashed until then',
    )
    .addArgument(validatorArgument('<validator>'))
    .addArgument(new Argument('<amount>', 'in OGPU, or all').argParser(parseOgpuOrAll))
    .addHelpText(
      'after',
      examples(['ogpu stake undelegate 0x7099… all', '`ogpu stake list` shows when it is paid']),
    )
    .action((validator: Address, amount: bigint | 'all', options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${describeAmount(amount)} on its way back from ${toChecksumAddress(validator)}`,
        intent:
          amount === 'all'
            ? stakingIntent('undelegateAll', [validator])
            : stakingIntent('undelegate', [validator, amount]),
      })),
    );
}

function redelegateCommand(context: CommandContext): Command {
  return walletOptions(new Command('redelegate'))
    .description('move stake to another validator, where it works at once')
    .addArgument(validatorArgument('<from-validator>'))
    .addArgument(validatorArgument('<to-validator>'))
    .addArgument(new Argument('<amount>', 'in OGPU, or all').argParser(parseOgpuOrAll))
    .addHelpText(
      'after',
      examples([
        'ogpu stake redelegate 0x7099… 0x3C44… 50',
        'it answers for the old validator for an unbonding time',
      ]),
    )
    .action((from: Address, to: Address, amount: bigint | 'all', options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${describeAmount(amount)} moved from ${toChecksumAddress(from)} to ${toChecksumAddress(to)}`,
        intent:
          amount === 'all'
            ? stakingIntent('redelegateAll', [from, to])
            : stakingIntent('redelegate', [from, to, amount]),
      })),
    );
}

function cancelCommand(context: CommandContext): Command {
  return walletOptions(new Command('cancel'))
    .description('bring stake that is on its way out back to its validator')
    .addArgument(
      new Argument('<number>', 'of the unbonding: `ogpu stake list`').argParser(
        integerBetween(0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .action((number: number, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `unbonding ${number} cancelled`,
        intent: stakingIntent('cancelUnbonding', [BigInt(number)]),
      })),
    );
}

function claimCommand(context: CommandContext): Command {
  return walletOptions(new Command('claim'))
    .description('have the rewards of your stake with a validator paid')
    .addArgument(validatorArgument('<validator>'))
    .addHelpText(
      'after',
      examples(['ogpu stake claim 0x7099…', "an owner's own rewards go to the payout address"]),
    )
    .action((validator: Address, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `rewards claimed from ${toChecksumAddress(validator)}`,
        intent: stakingIntent('claimRewards', [validator]),
      })),
    );
}

function listCommand(context: CommandContext): Command {
  return onlineOptions(new Command('list'))
    .description('show what an address has staked, what it has earned, and what is on its way out')
    .addArgument(new Argument('<address>', 'of the delegator').argParser(parseAddressArgument))
    .addHelpText(
      'after',
      examples(['ogpu stake list 0xf39F…', 'nothing is signed: any address can be asked for']),
    )
    .action((address: Address, options: OnlineOptions) => list(context, address, options));
}

async function list(context: CommandContext, address: Address, options: OnlineOptions): Promise<void> {
  const rpc = clientOf(options);
  const of = toChecksumAddress(address);
  const delegations = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_delegations', [{ delegator: of }, page], DelegationPage);
    return { items: answer.delegations, next: answer.next };
  });
  const unbondings = await allPages(async (page) => {
    const answer = await rpc.call('ogpu_unbondings', [of, page], UnbondingPage);
    return { items: answer.unbondings, next: answer.next };
  });
  const report = {
    delegator: of,
    delegations: delegations.map(delegationJson),
    unbondings: unbondings.map(unbondingJson),
  };
  await print(
    context,
    options,
    report,
    `${describeDelegations(delegations)}${describeUnbondings(unbondings)}`,
  );
}

function describeDelegations(delegations: readonly Delegation[]): string {
  if (delegations.length === 0) return 'nothing is staked\n';
  return formatTable(
    ['validator', 'stake (OGPU)', 'rewards (OGPU)'],
    delegations.map(({ validator, stakeWei, rewardsWei }) => [
      toChecksumAddress(validator),
      formatOgpu(stakeWei),
      formatOgpu(rewardsWei),
    ]),
  );
}

function describeUnbondings(unbondings: readonly Unbonding[]): string {
  if (unbondings.length === 0) return '';
  return `\n${formatTable(
    ['on its way out', 'validator', 'OGPU', 'paid not before'],
    unbondings.map(({ number, validator, amountWei, dueMs, dueHeight }) => [
      ...[`${number}`, toChecksumAddress(validator), formatOgpu(amountWei)],
      `${new Date(dueMs).toISOString()}, block ${dueHeight}`,
    ]),
  )}`;
}

function delegationJson({ validator, stakeWei, rewardsWei }: Delegation): unknown {
  return {
    validator: toChecksumAddress(validator),
    stakeWei: stakeWei.toString(),
    rewardsWei: rewardsWei.toString(),
  };
}

function unbondingJson({ validator, amountWei, ...rest }: Unbonding): unknown {
  return { ...rest, validator: toChecksumAddress(validator), amountWei: amountWei.toString() };
}

function describeAmount(amount: bigint | 'all'): string {
  return amount === 'all' ? 'all stake' : `${formatOgpu(amount)} OGPU`;
}

function validatorArgument(name: string): Argument {
  return new Argument(name, 'address of its owner: `ogpu validator list`').argParser(parseAddressArgument);
}

const GROUP_HELP = `
Stake earns its part of the rewards of a validator, and loses its part where the validator is slashed. Every command signs
here with an account key and waits until the transaction is final; what would be refused is refused before it costs anything.
`;
