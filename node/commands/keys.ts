import { homedir } from 'node:os';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import {
  changeKeyPassword,
  deriveKeys,
  importKey,
  inspectFile,
  listFolder,
  newKey,
  showKey,
  type ChangePasswordOptions,
  type DeriveOptions,
  type ImportOptions,
  type NewOptions,
  type ShowOptions,
} from '../keys/actions.js';
import type { CommonOptions, KeysContext } from '../keys/command-context.js';
import { STANDARD_SCRYPT } from '../keys/kdf.js';
import { KEY_KINDS, type KeyKind, type SealedKind } from '../keys/key-file.js';
import { promptPassword } from '../keys/password.js';
import { writeOutput } from '../terminal-text.js';

const PROCESS_CONTEXT: KeysContext = {
  write: writeOutput,
  warn: (text) => void process.stderr.write(text),
  askPassword: (question, options) => promptPassword(question, options),
  kdf: STANDARD_SCRYPT,
};

/**
 * The `keys` group of the command line. Actions reject with OgpuError; printing it and the exit status are the caller's.
 *
 * @param context where output goes and how people are asked; tests give their own
 */
export function keysCommand(context: KeysContext = PROCESS_CONTEXT): Command {
  return new Command('keys')
    .description('make, import, list and inspect the keys of a node')
    .addCommand(newCommand(context))
    .addCommand(importCommand(context))
    .addCommand(deriveCommand(context))
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(inspectCommand(context))
    .addCommand(changePasswordCommand(context))
    .addHelpText('after', GROUP_HELP);
}

function newCommand(context: KeysContext): Command {
  return withCommon(new Command('new'))
    .description('make a new key')
    .addArgument(KIND)
    .addOption(PASSWORD_FILE)
    .option(
      '--description <text>',
      'a note kept in the file of a validator key, readable without the password',
    )
    .option('--mnemonic', 'derive the key from 24 new words and show them once, as a backup on paper', false)
    .addOption(INCLUDE_SECRETS)
    .addHelpText(
      'after',
      examples(
        ['ogpu keys new node', 'the identity of this node on the network; not encrypted'],
        ['ogpu keys new validator', 'asks for a password, twice'],
        ['ogpu keys new validator --mnemonic', 'shows 24 words to write down: they restore the key'],
        ['ogpu keys new account --password-file account.pw', 'asks nothing'],
      ),
    )
    .action((kind: KeyKind, options: NewOptions) => newKey(context, kind, options));
}

function importCommand(context: KeysContext): Command {
  return withCommon(new Command('import'))
    .description('copy a key made by another tool into the folder, encrypted anew')
    .argument(
      '<file>',
      'EIP-2335, Web3 Secret Storage, libp2p identity, or a bare private key in hex (see --as)',
    )
    .addOption(new Option('--as <kind>', 'what a bare private key is').choices(['validator', 'account']))
    .addOption(PASSWORD_FILE)
    .addOption(NEW_PASSWORD_FILE)
    .addHelpText(
      'after',
      examples(
        ['ogpu keys import UTC--2024-01-01--0xabc', 'a geth account; keeps its password'],
        [
          'ogpu keys import keystore-m_12381_60_0_0_0.json --new-password-file new.pw',
          'changes the password',
        ],
        ['ogpu keys import key.hex --as account', 'a bare key, as other wallets export it'],
      ),
    )
    .action((file: string, options: ImportOptions) => importKey(context, file, options));
}

function deriveCommand(context: KeysContext): Command {
  return withCommon(new Command('derive'))
    .description('restore keys from a mnemonic (BIP-39)')
    .addArgument(new Argument('<kind>', 'which tree').choices(['validator', 'account']))
    .option('--mnemonic-file <file>', 'file with the words, mode 0600; asked for where it is missing')
    .option('--passphrase-file <file>', "file with BIP-39's optional passphrase, mode 0600")
    .option('--index <number>', 'first index', parseCount(0, 2 ** 31 - 1), 0)
    .option('--count <number>', 'how many keys, at most 100', parseCount(1, 100), 1)
    .addOption(PASSWORD_FILE)
    .addHelpText(
      'after',
      examples(
        ['ogpu keys derive validator --mnemonic-file words.txt', 'the key at m/12381/60/0/0/0'],
        ['ogpu keys derive account --count 3', "m/44'/60'/0'/0/0 to 2, as MetaMask has them"],
      ),
    )
    .action((kind: SealedKind, options: DeriveOptions) => deriveKeys(context, kind, options));
}

function listCommand(context: KeysContext): Command {
  return withCommon(new Command('list'))
    .description('list the keys in the folder, by their public parts')
    .addHelpText('after', examples(['ogpu keys list --json', 'for scripts']))
    .action((options: CommonOptions) => listFolder(context, options));
}

function showCommand(context: KeysContext): Command {
  return withCommon(new Command('show'))
    .description('show the public parts of a key')
    .argument('<key>', 'first digits of its public key or address, its file name, or a path')
    .option('--proof-of-possession', 'of a validator key, for its registration; needs the password', false)
    .addOption(PASSWORD_FILE)
    .addHelpText(
      'after',
      examples(
        ['ogpu keys show node-key', 'the peer id, for the peer lists of others'],
        ['ogpu keys show validator-0x93ab --proof-of-possession', 'what a registration asks for'],
      ),
    )
    .action((key: string, options: ShowOptions) => showKey(context, key, options));
}

function inspectCommand(context: KeysContext): Command {
  return withCommon(new Command('inspect'))
    .description('tell what a key file is and how it is protected, without its password')
    .argument('<file>', 'path')
    .addHelpText(
      'after',
      examples(['ogpu keys inspect ./keystore.json', 'format, public key, strength, faults']),
    )
    .action((file: string, options: CommonOptions) => inspectFile(context, file, options));
}

function changePasswordCommand(context: KeysContext): Command {
  return withCommon(new Command('change-password'))
    .description('encrypt a key under another password')
    .argument('<key>', 'first digits of its public key or address, its file name, or a path')
    .addOption(PASSWORD_FILE)
    .addOption(NEW_PASSWORD_FILE)
    .addHelpText(
      'after',
      examples(['ogpu keys change-password validator-0x93ab', 'asks for the old password and the new one']),
    )
    .action((key: string, options: ChangePasswordOptions) => changeKeyPassword(context, key, options));
}

const KIND = new Argument(
  '<kind>',
  'validator: signs blocks; account: holds coins; node: names a peer',
).choices(KEY_KINDS);
const PASSWORD_FILE = new Option(
  '--password-file <file>',
  'file with the password, mode 0600, instead of asking',
);
const NEW_PASSWORD_FILE = new Option('--new-password-file <file>', 'file with the new password, mode 0600');
const INCLUDE_SECRETS = new Option('--include-secrets', 'with --json: print the new mnemonic too').default(
  false,
);

function withCommon(command: Command): Command {
  return command
    .option('--dir <folder>', 'folder of the keys, mode 0700', join(homedir(), '.ogpu', 'keys'))
    .option('--json', 'print JSON, without secrets', false);
}

function parseCount(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected an integer from ${minimum} to ${maximum}.`);
  };
}

function examples(...lines: readonly (readonly [command: string, meaning: string])[]): string {
  return `\nExamples:\n${lines.map(([command, meaning]) => `  $ ${command}\n      ${meaning}\n`).join('')}`;
}

const GROUP_HELP = `
Three kinds of key:
  validator  BLS12-381. Signs blocks and verdicts; misuse gets the stake slashed. EIP-2335 keystore.
  account    secp256k1. Holds coins, stakes, pays gas; any Ethereum wallet can use it. Web3 Secret Storage keystore.
  node       Ed25519. Names the node to its peers; worth nothing. libp2p identity, not encrypted.

Passwords come from a prompt or from a file of mode 0600, never from the command line or the environment.
Start with:
  $ ogpu keys new node
  $ ogpu keys new validator
  $ ogpu keys list
`;
