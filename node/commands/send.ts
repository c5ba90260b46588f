import { Argument, Command, InvalidArgumentError } from 'commander';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { Receipt } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { examples, formatRows, print, PROCESS_CONTEXT, type CommandContext } from './command-context.js';
import {
  clientOf,
  onlineOptions,
  parseAddressArgument,
  parseOgpu,
  sendAndPrint,
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** `ogpu send`: a transfer. */
export function sendCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return walletOptions(new Command('send'))
    .description('send OGPU to an address, and wait until it is final')
    .addArgument(new Argument('<to>', 'address').argParser(parseAddressArgument))
    .addArgument(new Argument('<amount>', 'in OGPU').argParser(parseOgpu))
    .addHelpText(
      'after',
      examples(
        [
          'ogpu send 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 1.5 --from account-0xf39f',
          'asks for the password of the key',
        ],
        ['ogpu send 0x7099… 1.5 --password-file account.pw --json', 'for scripts'],
      ),
    )
    .action((to: Address, amountWei: bigint, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${formatOgpu(amountWei)} OGPU sent to ${toChecksumAddress(to)}`,
        intent: { to, valueWei: amountWei, data: new Uint8Array(0) },
      })),
    );
}

/** `ogpu tx`: what has become of a transaction. */
export function txCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return onlineOptions(new Command('tx'))
    .description('ask what has become of a transaction')
    .argument('<hash>', '0x and 64 hex digits', parseHash)
    .addHelpText('after', examples(['ogpu tx 0x4e3a…', 'exit code 1 while it is in no block']))
    .action(async (hash: string, options: OnlineOptions) => {
      const receipt = await clientOf(options).call('eth_getTransactionReceipt', [hash], Receipt.nullable());
      if (receipt === null) {
        const cure = 'wait, or check the hash and the chain that it was sent on';
        throw new ClientError('TRANSACTION_PENDING', 'the transaction is in no block', { hash, cure });
      }
      const feeWei = receipt.gasUsed * receipt.effectiveGasPrice;
      const [height, succeeded] = [Number(receipt.blockNumber), receipt.status === 1n];
      const report = {
        hash,
        height,
        succeeded,
        gasUsed: receipt.gasUsed.toString(),
        feeWei: feeWei.toString(),
      };
      const rows = formatRows([
        ['final in', `block ${height}`],
        ['outcome', succeeded ? 'done' : 'undone: only its fee is paid'],
        ['fee', `${formatOgpu(feeWei)} OGPU`],
      ]);
      await print(context, options, report, rows);
    });
}

function parseHash(text: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected 0x and 64 hex digits.');
}
