import { homedir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseAddress, toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu, OGPU_DECIMALS, parseAmountWei } from '../../protocol/amounts.js';
import { DEFAULT_RPC_URL, RpcClient } from '../client/rpc-client.js';
import { transact, type Intent, type Outcome } from '../client/transact.js';
import { openWallet, type Wallet } from '../client/wallet.js';
import {
  formatRows,
  integerBetween,
  parsedBy,
  print,
  type CommandContext,
  type JsonOption,
} from './command-context.js';

export interface OnlineOptions extends JsonOption {
  readonly rpcUrl: string;
}

export interface WalletCommandOptions extends OnlineOptions {
  readonly from: string;
  readonly dir: string;
  readonly passwordFile?: string;
  /** Seconds. */
  readonly wait: number;
}

/** Options of a command that asks a node. */
export function onlineOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--rpc-url <url>', 'JSON-RPC of a node')
        .env('OGPU_RPC_URL')
        .default(DEFAULT_RPC_URL)
        .argParser(parseUrl),
    )
    .option('--json', 'print JSON, amounts in wei', false);
}

/** Options of a command that signs a transaction here and has a node send it. */
export function walletOptions(command: Command): Command {
  return onlineOptions(command)
    .addOption(
      new Option(
        '--from <key>',
        'account key that signs: first digits of its address, its file name, or a path',
      ).default('account-', 'the only one in the folder'),
    )
    .option('--dir <folder>', 'folder of the keys', join(homedir(), '.ogpu', 'keys'))
    .option('--password-file <file>', 'file with the password of the key, mode 0600, instead of asking')
    .option(
      '--wait <seconds>',
      'for the transaction to become final; 0 does not wait',
      integerBetween(0, 86_400),
      30,
    );
}

export function clientOf({ rpcUrl }: OnlineOptions): RpcClient {
  return new RpcClient(rpcUrl);
}

export function walletOf(context: CommandContext, options: WalletCommandOptions): Promise<Wallet> {
  const { dir, from, passwordFile } = options;
  return openWallet(
    { keys: dir, from, ...(passwordFile === undefined ? {} : { passwordFile }) },
    context.askPassword,
  );
}

/** What a command that sends a transaction says of itself. */
export interface Sending {
  /** "5 OGPU delegated to 0x…": true once it is final. */
  readonly done: string;
  readonly intent: Intent;
}

/** Opens the wallet, sends, waits, and prints what has become of it. */
export async function sendAndPrint(
  context: CommandContext,
  options: WalletCommandOptions,
  sending: (wallet: Wallet) => Sending | Promise<Sending>,
): Promise<void> {
  const wallet = await walletOf(context, options);
  const { done, intent } = await sending(wallet);
  const outcome = await transact(clientOf(options), wallet, intent, options.wait * 1000);
  await printOutcome(context, options, wallet, done, outcome);
}

async function printOutcome(
  context: CommandContext,
  options: JsonOption,
  wallet: Wallet,
  done: string,
  outcome: Sent,
): Promise<void> {
  const { report, text } = describeSent(wallet, outcome);
  await print(context, options, report, 'height' in outcome ? `${done}\n${text}` : text);
}

/** A transaction that is final, or that was not waited for. */
export type Sent = Outcome | { readonly hash: string };

/** What has become of a transaction, for scripts and for people. */
export function describeSent(
  wallet: Wallet,
  outcome: Sent,
): { readonly report: Readonly<Record<string, unknown>>; readonly text: string } {
  const from = toChecksumAddress(wallet.address);
  if (!('height' in outcome)) {
    const report = { from, ...outcome, final: false };
    return { report, text: `sent, not waited for\n${outcome.hash}\n` };
  }
  const { hash, height, gasUsed, feeWei } = outcome;
  const report = { from, hash, final: true, height, gasUsed: gasUsed.toString(), feeWei: feeWei.toString() };
  const text = formatRows([
    ['transaction', hash],
    ['final in', `block ${height}`],
    ['fee', `${formatOgpu(feeWei)} OGPU`],
  ]);
  return { report, text };
}

export const parseAddressArgument: (text: string) => Address = parsedBy(parseAddress);

/** A positive amount in OGPU. */
export function parseOgpu(text: string): bigint {
  const amountWei = parsedBy((amount) => parseAmountWei(amount, OGPU_DECIMALS))(text);
  if (amountWei > 0n) return amountWei;
  throw new InvalidArgumentError('expected more than 0 OGPU.');
}

/** As `parseOgpu`, or everything. */
export function parseOgpuOrAll(text: string): bigint | 'all' {
  return text === 'all' ? 'all' : parseOgpu(text);
}

function parseUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('expected http://… or https://…');
}
