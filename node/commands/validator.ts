import { Argument, Command } from 'commander';
import { parseAddress, toChecksumAddress, type Address } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { toHex } from '../../protocol/bytes.js';
import { Validator, ValidatorPage } from '../client/answers.js';
import { chainIdentityOf, proofOfKey } from '../client/key-proof.js';
import { allPages } from '../client/pages.js';
import { stakingIntent } from '../client/transact.js';
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
  walletOptions,
  type OnlineOptions,
  type WalletCommandOptions,
} from './online-options.js';

/** The `validator` group of the command line: what owners and operators of validators do on a running chain. */
export function validatorCommand(context: CommandContext = PROCESS_CONTEXT): Command {
  return new Command('validator')
    .description('register a validator, change its terms, free it from jail, look at all of them')
    .addCommand(createCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(listCommand(context))
    .addCommand(unjailCommand(context))
    .addCommand(editCommand(context))
    .addCommand(rotateCommand(context))
    .addHelpText('after', GROUP_HELP);
}

interface KeyOptions extends WalletCommandOptions {
  readonly key: string;
  readonly keyPasswordFile?: string;
}

interface CreateOptions extends KeyOptions {
  readonly name: string;
  readonly stake: bigint;
  readonly commission: number;
  readonly operator?: Address;
  readonly payout?: Address;
}

function createCommand(context: CommandContext): Command {
  return keyOptions(walletOptions(new Command('create')))
    .description('register the account as a validator, with a stake of its own')
    .requiredOption('--name <name>', 'shown to people: 1 to 64 printable ASCII characters')
    .requiredOption('--stake <amount>', 'OGPU from the account', parseOgpu)
    .option(
      '--commission <bps>',
      "share of its delegators' rewards, in 1/10,000",
      integerBetween(0, 10_000),
      500,
    )
    .option(
      '--operator <address>',
      'acts for it from day to day (the account unless given)',
      parsedBy(parseAddress),
    )
    .option('--payout <address>', 'receives its rewards (the account unless given)', parsedBy(parseAddress))
    .addHelpText(
      'after',
      examples([
        'ogpu validator create --from account-0xf39f --key validator-0x93ab --name alice --stake 10000',
        'the node must run with this validator key when the next epoch begins',
      ]),
    )
    .action((options: CreateOptions) =>
      sendAndPrint(context, options, async (wallet) => {
        const identity = await chainIdentityOf(clientOf(options));
        const proof = await proofOfKey(options, context.askPassword, identity, wallet.address, 0);
        const { operator = wallet.address, payout = wallet.address } = options;
        const terms = [options.name, operator, payout, BigInt(options.commission)];
        const key = [proof.blsPublicKey, proof.proofOfPossession, proof.ownerBinding];
        return {
          done: `${toChecksumAddress(wallet.address)} is a validator with ${formatOgpu(options.stake)} OGPU, active from the next epoch on if its stake suffices`,
          intent: stakingIntent('register', [...terms, ...key], options.stake),
        };
      }),
    );
}

function rotateCommand(context: CommandContext): Command {
  return keyOptions(walletOptions(new Command('rotate-key')))
    .description('change the key a validator signs with, from the next epoch on; for owner and operator')
    .addArgument(validatorArgument())
    .addHelpText(
      'after',
      examples([
        'ogpu validator rotate-key 0xf39F… --key validator-0xa1b2',
        'keep the old key on the node until the epoch ends, then start it with the new one: docs/operations.md',
      ]),
    )
    .action((id: Address, options: KeyOptions) =>
      sendAndPrint(context, options, async () => {
        const rpc = clientOf(options);
        const { keyCount } = await rpc.call('ogpu_validator', [toChecksumAddress(id)], Validator);
        const proof = await proofOfKey(
          options,
          context.askPassword,
          await chainIdentityOf(rpc),
          id,
          keyCount,
        );
        return {
          done: `${toChecksumAddress(id)} signs with ${toHex(proof.blsPublicKey).slice(0, 18)}… from the next epoch on`,
          intent: stakingIntent('rotateKey', [
            id,
            proof.blsPublicKey,
            proof.proofOfPossession,
            proof.ownerBinding,
          ]),
        };
      }),
    );
}

function statusCommand(context: CommandContext): Command {
  return onlineOptions(new Command('status'))
    .description('show a validator: stake, standing, terms, key')
    .addArgument(validatorArgument())
    .addHelpText('after', examples(['ogpu validator status 0xf39F…', 'jailed? since when, and until when']))
    .action(async (id: Address, options: OnlineOptions) => {
      const validator = await clientOf(options).call('ogpu_validator', [toChecksumAddress(id)], Validator);
      await print(context, options, validatorJson(validator), describe(validator));
    });
}

function listCommand(context: CommandContext): Command {
  return onlineOptions(new Command('list'))
    .description('show all validators, those with most voting power first')
    .addHelpText('after', examples(['ogpu validator list', 'to choose whom to delegate to']))
    .action(async (options: OnlineOptions) => {
      const rpc = clientOf(options);
      const all = await allPages(async (page) => {
        const answer = await rpc.call('ogpu_validators', [page], ValidatorPage);
        return { items: answer.validators, next: answer.next };
      });
      const sorted = all.toSorted((a, b) => b.votingPower - a.votingPower || compare(b.stakeWei, a.stakeWei));
      await print(context, options, sorted.map(validatorJson), describeAll(sorted));
    });
}

function unjailCommand(context: CommandContext): Command {
  return walletOptions(new Command('unjail'))
    .description('bring a validator back after its time in jail; for owner and operator')
    .addArgument(validatorArgument())
    .addHelpText(
      'after',
      examples(['ogpu validator unjail 0xf39F…', 'first make sure that its node signs again']),
    )
    .action((id: Address, options: WalletCommandOptions) =>
      sendAndPrint(context, options, () => ({
        done: `${toChecksumAddress(id)} is out of jail`,
        intent: stakingIntent('unjail', [id]),
      })),
    );
}

/** One change at a time: each is a transaction of its own, and may be refused by itself. */
function editCommand(context: CommandContext): Command {
  const value = new Argument('<value>', 'commission in 1/10,000, or an address');
  return walletOptions(new Command('edit'))
    .description('change commission, operator or payout address of the validator that the account owns')
    .addArgument(new Argument('<what>', 'what to change').choices(['commission', 'operator', 'payout']))
    .addArgument(value)
    .addHelpText(
      'after',
      examples(
        [
          'ogpu validator edit commission 700',
          '7 %, from the next epoch on; once a day, and by a bounded step',
        ],
        ['ogpu validator edit payout 0x7099…', 'where rewards go'],
      ),
    )
    .action((what: 'commission' | 'operator' | 'payout', text: string, options: WalletCommandOptions) => {
      const argument =
        what === 'commission' ? BigInt(integerBetween(0, 10_000)(text)) : parseAddressArgument(text);
      return sendAndPrint(context, options, (wallet) => ({
        done: `${what} of ${toChecksumAddress(wallet.address)} is ${text}`,
        intent: stakingIntent(SETTERS[what], [argument]),
      }));
    });
}

const SETTERS = { commission: 'setCommission', operator: 'setOperator', payout: 'setPayout' } as const;

function keyOptions(command: Command): Command {
  return command
    .requiredOption('--key <key>', 'validator key: first digits of its public key, its file name, or a path')
    .option('--key-password-file <file>', 'file with its password, mode 0600, instead of asking');
}

function validatorArgument(): Argument {
  return new Argument('<validator>', 'address of its owner').argParser(parseAddressArgument);
}

function validatorJson(validator: Validator): unknown {
  const { id, operator, payout, blsPublicKey, stakeWei, selfStakeWei, ...rest } = validator;
  return {
    id: toChecksumAddress(id),
    ...rest,
    operator: toChecksumAddress(operator),
    payout: toChecksumAddress(payout),
    blsPublicKey: toHex(blsPublicKey),
    stakeWei: stakeWei.toString(),
    selfStakeWei: selfStakeWei.toString(),
  };
}

function describe(validator: Validator): string {
  const { jailedUntilMs } = validator;
  const until = jailedUntilMs === null ? '' : ` until ${new Date(jailedUntilMs).toISOString()}`;
  return formatRows([
    ['validator', toChecksumAddress(validator.id)],
    ['name', validator.name],
    ['status', `${validator.status}${until}`],
    ['stake', `${formatOgpu(validator.stakeWei)} OGPU, ${formatOgpu(validator.selfStakeWei)} of its own`],
    ['voting power', `${(validator.votingPower / 1e6).toLocaleString('en-GB')} OGPU`],
    ['commission', `${validator.commissionBps / 100} %`],
    ['operator', toChecksumAddress(validator.operator)],
    ['payout', toChecksumAddress(validator.payout)],
    ['key', toHex(validator.blsPublicKey)],
    ['keys so far', `${validator.keyCount}`],
  ]);
}

function describeAll(validators: readonly Validator[]): string {
  if (validators.length === 0) return 'no validators\n';
  return formatTable(
    ['validator', 'name', 'status', 'stake (OGPU)', 'commission'],
    validators.map(({ id, name, status, stakeWei, commissionBps }) => [
      ...[toChecksumAddress(id), name, status, formatOgpu(stakeWei), `${commissionBps / 100} %`],
    ]),
  );
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const GROUP_HELP = `
A validator is named by the address of its owner, for ever. The owner's account key signs registration and terms; the
validator key signs blocks, and only proves here that it is yours. How to run one: docs/operations.md.
`;
