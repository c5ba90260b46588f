import { Argument, Command } from 'commander';
import { z } from 'zod';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { Wei } from '../client/answers.js';
import { examples, print, PROCESS_CONTEXT, type CommandContext } from './command-context.js';
import { clientOf, onlineOptions, parseAddressArgument, type OnlineOptions } from './online-options.js';

const Gift = z.object({ transactionHash: z.string().max(66), amountWei: Wei });

/** `ogpu faucet`: coins for tests. */
export function faucetCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return onlineOptions(new Command('faucet'))
    .description('ask a devnet node for some coins')
    .addArgument(new Argument('<address>', 'who gets them').argParser(parseAddressArgument))
    .addHelpText(
      'after',
      examples(['ogpu faucet 0x70997970C51812dc3A010C7d01b50e0d17dc79C8', 'on devnets alone']),
    )
    .action(async (address: Address, options: OnlineOptions) => {
      const to = toChecksumAddress(address);
      const { transactionHash, amountWei } = await clientOf(options).call('ogpu_faucet', [to], Gift);
      const report = { to, transactionHash, amountWei: amountWei.toString() };
      await print(
        context,
        options,
        report,
        `${formatOgpu(amountWei)} OGPU on their way to ${to}\n${transactionHash}\n`,
      );
    });
}
