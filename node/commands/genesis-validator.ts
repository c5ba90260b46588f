import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { checkStake } from '../../genesis/check.js';
import { validatorToJson, ValidatorTermsSchema, type ValidatorTerms } from '../../genesis/document.js';
import { FaultLog } from '../../genesis/faults.js';
import { parseFields } from '../../genesis/fields.js';
import { checkTargets, writeFileAtomically } from '../../genesis/files.js';
import { bindOwner } from '../../genesis/owner-binding.js';
import { OGPU_DECIMALS, parseAmountWei } from '../../protocol/amounts.js';
import { bls } from '../../protocol/crypto/bls.js';
import { OgpuError } from '../../protocol/errors.js';
import { invariant } from '../../protocol/invariant.js';
import { protocolVersionAt } from '../../protocol/params.js';
import { PRESETS, type PresetName } from '../../protocol/presets.js';
import { findKey, openKey } from '../keys/keyring.js';
import { readPasswordFile } from '../keys/password.js';
import { answer, presetOption, type GenesisContext, type JsonOption } from './genesis-context.js';
import { integerBetween, parsedBy } from './command-context.js';
import { toJson } from '../terminal-text.js';

export class GenesisCommandError extends OgpuError<'GENESIS_KEY_KIND'> {}

const amountOption = parsedBy((text) => parseAmountWei(text, OGPU_DECIMALS));

interface ValidatorOptions extends JsonOption {
  readonly preset: PresetName;
  readonly key: string;
  readonly dir: string;
  readonly passwordFile?: string;
  readonly name: string;
  readonly owner: string;
  readonly operator?: string;
  readonly payout?: string;
  readonly stake: bigint;
  readonly commission: number;
  readonly out?: string;
  readonly force: boolean;
}

/** `ogpu genesis validator`. */
export function validatorCommand(context: GenesisContext): Command {
  return new Command('validator')
    .description("make a validator's entry; its key proves possession and accepts its owner")
    .addOption(presetOption())
    .requiredOption('--key <key>', 'validator key: first digits of its public key, its file name, or a path')
    .option('--dir <folder>', 'folder of the keys', join(homedir(), '.ogpu', 'keys'))
    .option('--password-file <file>', 'file with the password, mode 0600, instead of asking')
    .requiredOption('--name <name>', 'shown to people: 1 to 64 printable ASCII characters')
    .requiredOption('--owner <address>', 'owns the validator and its stake, for ever')
    .option('--operator <address>', 'acts for it from day to day (the owner unless given)')
    .option('--payout <address>', 'receives its rewards (the owner unless given)')
    .requiredOption('--stake <amount>', "OGPU, taken from the owner's allocation", amountOption)
    .option(
      '--commission <bps>',
      "share of its delegators' rewards, in 1/10,000",
      integerBetween(0, 10_000),
      0,
    )
    .option('--out <file>', 'where the entry goes (standard output unless given)')
    .option('--force', 'replace what is there', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', VALIDATOR_HELP)
    .action((options: ValidatorOptions) => answer(context, options, () => validator(context, options)));
}

async function validator(context: GenesisContext, options: ValidatorOptions): Promise<string> {
  const { out, passwordFile } = options;
  const target = { replace: options.force };
  if (out !== undefined) await checkTargets([out], target);
  const terms = termsOf(options);
  const key = await findKey(options.dir, options.key);
  if (key.kind !== 'validator') {
    throw new GenesisCommandError('GENESIS_KEY_KIND', 'not a validator key', {
      path: key.file,
      kind: key.kind,
    });
  }
  const question = 'Password of the validator key: ';
  const password =
    passwordFile === undefined ? context.askPassword(question) : readPasswordFile(passwordFile);
  const secret = await openKey(key, await password);
  const { chainId, params } = PRESETS[options.preset];
  const chain = { chainId, protocolVersion: protocolVersionAt(params, 0) };
  const entry = {
    ...terms,
    blsPublicKey: bls.publicKey(secret),
    proofOfPossession: bls.provePossession(secret),
    ownerBinding: bindOwner(secret, chain, terms.owner),
  };
  const text = toJson(validatorToJson(entry));
  if (out === undefined) return text;
  await writeFileAtomically(out, [Buffer.from(text)], target);
  return options.json ? toJson({ file: out }) : `${out}\n`;
}

/**
 * What the key is about to sign, refused by the rules of the document it goes into.
 *
 * @throws GenesisError GENESIS_INVALID with all faults
 */
function termsOf({ preset, stake, commission, ...options }: ValidatorOptions): ValidatorTerms {
  const { name, owner, operator = owner, payout = owner } = options;
  const json = { name, owner, operator, payout, stakeWei: stake.toString(), commissionBps: commission };
  const log = new FaultLog();
  const terms = parseFields(ValidatorTermsSchema, json, '');
  if ('faults' in terms) log.addAll(terms.faults);
  checkStake('stakeWei', stake, PRESETS[preset].params, log);
  log.throwIfAny('validator entry');
  invariant('value' in terms, 'terms without faults were read');
  return terms.value;
}

const VALIDATOR_HELP = `
Example:
  $ ogpu genesis validator --preset testnet --key validator-0x93ab --name alice --stake 10000 \\
      --owner 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --out alice.json
`;
