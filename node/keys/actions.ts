import { bls } from '../../protocol/crypto/bls.js';
import { toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { toJson } from '../terminal-text.js';
import {
  existingPassword,
  newPassword,
  printKeys,
  printOne,
  type CommonOptions,
  type KeysContext,
} from './command-context.js';
import {
  readKeyFile,
  type AccountKey,
  type KeyKind,
  type SealedKind,
  type ValidatorKey,
} from './key-file.js';
import {
  changePassword,
  findKey,
  listKeys,
  openKey,
  sealAccountKey,
  sealedKeyFile,
  sealValidatorKey,
  storeKey,
  storeNodeIdentity,
  type SealOptions,
  type Stored,
} from './keyring.js';
import { atPath } from './keystore-error.js';
import {
  deriveAccountKey,
  deriveValidatorKey,
  generateMnemonic,
  mnemonicToSeed,
  parseMnemonic,
} from './mnemonic.js';
import { readPasswordFile, readSecretText } from './password.js';
import { formatKeyList, reportKey, reportProtection, type KeyReport } from './report.js';
import { ensureSecretFolder, refuseExistingFile } from './secret-file.js';
import { generateAccountSecret, generateValidatorSecret, parseBareSecret } from './secret-key.js';

export class KeysCommandError extends OgpuError<'KEYS_OPTION_CONFLICT' | 'KEYS_KIND_MISMATCH'> {}

interface PasswordOptions {
  readonly passwordFile?: string;
}

interface NewPasswordOptions extends PasswordOptions {
  readonly newPasswordFile?: string;
}

export interface NewOptions extends CommonOptions, PasswordOptions {
  readonly description?: string;
  readonly mnemonic: boolean;
  readonly includeSecrets: boolean;
}

/** @throws KeysCommandError, SecretFileError, PasswordError, KeystoreError */
export async function newKey(context: KeysContext, kind: KeyKind, options: NewOptions): Promise<void> {
  checkNewOptions(kind, options);
  if (kind === 'node') {
    await printKeys(context, options, [reportKey(await storeNodeIdentity(options.dir))]);
    return;
  }
  const password = await newPassword(context, options.passwordFile);
  const mnemonic = options.mnemonic ? generateMnemonic() : undefined;
  const { secretKey, path } =
    mnemonic === undefined ? generate(kind) : derive(kind, await mnemonicToSeed(mnemonic), 0);
  const key = await seal(options.dir, kind, secretKey, password, {
    kdf: context.kdf,
    ...(path === undefined ? {} : { path }),
    ...(options.description === undefined ? {} : { description: options.description }),
  });
  if (mnemonic === undefined || path === undefined) {
    await storeKey(key);
    await printKeys(context, options, [reportKey(key)]);
    return;
  }
  await ensureSecretFolder(options.dir);
  // First the words: no key may be left whose words nobody has seen.
  await printKeys(context, options, [{ ...reportKey(key), path, mnemonic }]);
  await storeKey(key);
  context.warn(MNEMONIC_WARNING);
}

export interface ImportOptions extends CommonOptions, NewPasswordOptions {
  readonly as?: SealedKind;
}

/** @throws SecretFileError, PasswordError, KeystoreError */
export async function importKey(context: KeysContext, file: string, options: ImportOptions): Promise<void> {
  const sealOptions = { kdf: context.kdf };
  if (options.as !== undefined) {
    const text = await readSecretText(file);
    const secret = await atPath(file, () => parseBareSecret(text));
    const password = await newPassword(context, options.newPasswordFile ?? options.passwordFile);
    const key = await storeKey(await seal(options.dir, options.as, secret, password, sealOptions));
    await printKeys(context, options, [reportKey(key)]);
    return;
  }
  const source = { ...(await readKeyFile(file)), file };
  if (source.kind === 'node') {
    await printKeys(context, options, [reportKey(await storeNodeIdentity(options.dir, source.identity))]);
    return;
  }
  const oldPassword = await existingPassword(context, options.passwordFile);
  const secret = await openKey(source, oldPassword);
  const password =
    options.newPasswordFile === undefined ? oldPassword : await readPasswordFile(options.newPasswordFile);
  const key = await seal(options.dir, source.kind, secret, password, {
    ...sealOptions,
    ...(source.kind === 'validator' ? pick(source.keystore) : {}),
  });
  await storeKey(key);
  await printKeys(context, options, [reportKey(key)]);
}

export interface DeriveOptions extends CommonOptions, PasswordOptions {
  readonly mnemonicFile?: string;
  readonly passphraseFile?: string;
  readonly index: number;
  readonly count: number;
}

/**
 * Every index and file name is checked before a password is asked for and the first key written.
 *
 * @throws SecretFileError, PasswordError, MnemonicError, KeystoreError
 */
export async function deriveKeys(
  context: KeysContext,
  kind: SealedKind,
  options: DeriveOptions,
): Promise<void> {
  const text =
    options.mnemonicFile === undefined
      ? await context.askPassword('Mnemonic: ')
      : await readSecretText(options.mnemonicFile);
  const mnemonic = parseMnemonic(text);
  const passphrase =
    options.passphraseFile === undefined ? '' : await readPasswordFile(options.passphraseFile);
  const seed = await mnemonicToSeed(mnemonic, passphrase);
  const secrets = Array.from({ length: options.count }, (_, i) => derive(kind, seed, options.index + i));
  for (const { secretKey } of secrets) {
    await refuseExistingFile(sealedKeyFile(options.dir, kind, secretKey));
  }
  const password = await newPassword(context, options.passwordFile);
  const reports: KeyReport[] = [];
  try {
    for (const { secretKey, path } of secrets) {
      const key = await storeKey(
        await seal(options.dir, kind, secretKey, password, { kdf: context.kdf, path }),
      );
      reports.push({ ...reportKey(key), path });
    }
  } finally {
    // Also when the disk fails in between: what is stored is told.
    await printKeys(context, options, reports);
  }
}

/** @throws KeyringError */
export async function listFolder(context: KeysContext, options: CommonOptions): Promise<void> {
  const list = await listKeys(options.dir);
  if (!options.json) {
    await context.write(formatKeyList(options.dir, list));
    return;
  }
  const faults = list.faults.map(({ file, error }) => ({ file, code: error.code, message: error.message }));
  await context.write(toJson({ keys: list.keys.map(reportKey), faults }));
}

export interface ShowOptions extends CommonOptions, PasswordOptions {
  readonly proofOfPossession: boolean;
}

/** @throws KeyringError, SecretFileError, PasswordError, KeystoreError, KeysCommandError */
export async function showKey(context: KeysContext, name: string, options: ShowOptions): Promise<void> {
  const key = await findKey(options.dir, name);
  if (!options.proofOfPossession) {
    await printOne(context, options, reportKey(key));
    return;
  }
  if (key.kind !== 'validator') throw kindMismatch(key, 'only a validator key has a proof of possession');
  const secret = await openKey(key, await existingPassword(context, options.passwordFile));
  const publicKey = toHex(bls.publicKey(secret));
  const proofOfPossession = toHex(bls.provePossession(secret));
  await printOne(context, options, { ...reportKey(key), publicKey, proofOfPossession });
}

/** @throws SecretFileError, KeystoreError */
export async function inspectFile(context: KeysContext, file: string, options: CommonOptions): Promise<void> {
  const key = { ...(await readKeyFile(file)), file };
  await printOne(context, options, { ...reportKey(key), ...reportProtection(key) });
}

export interface ChangePasswordOptions extends CommonOptions, NewPasswordOptions {}

/** @throws KeyringError, SecretFileError, PasswordError, KeystoreError, KeysCommandError */
export async function changeKeyPassword(
  context: KeysContext,
  name: string,
  options: ChangePasswordOptions,
): Promise<void> {
  const key = await findKey(options.dir, name);
  if (key.kind === 'node') throw kindMismatch(key, 'a node identity has no password');
  const oldPassword = await existingPassword(context, options.passwordFile);
  const password = await newPassword(context, options.newPasswordFile, 'New password: ');
  await changePassword(key, oldPassword, password, context.kdf);
  await printOne(context, options, reportKey(key));
}

const MNEMONIC_WARNING = `
Write these words down on paper, now: they are not stored and will not be shown again.
Whoever has them has the key, without any password. Whoever loses them and the file has lost it.
`;

function checkNewOptions(kind: KeyKind, options: NewOptions): void {
  if (kind === 'node' && (options.mnemonic || options.passwordFile !== undefined)) {
    throw new KeysCommandError('KEYS_OPTION_CONFLICT', 'a node identity has neither mnemonic nor password', {
      cure: 'leave --mnemonic and --password-file away',
    });
  }
  if (kind !== 'validator' && options.description !== undefined) {
    throw new KeysCommandError(
      'KEYS_OPTION_CONFLICT',
      'only the file of a validator key holds a description',
      {
        cure: 'leave --description away',
      },
    );
  }
  if (options.mnemonic && options.json && !options.includeSecrets) {
    throw new KeysCommandError(
      'KEYS_OPTION_CONFLICT',
      '--json prints no secrets, so nobody would see the mnemonic',
      {
        cure: 'add --include-secrets, or leave --json away',
      },
    );
  }
}

interface Secret {
  readonly secretKey: Uint8Array;
  readonly path?: string;
}

function generate(kind: SealedKind): Secret {
  return { secretKey: kind === 'validator' ? generateValidatorSecret() : generateAccountSecret() };
}

function derive(kind: SealedKind, seed: Uint8Array, index: number): Required<Secret> {
  return kind === 'validator' ? deriveValidatorKey(seed, index) : deriveAccountKey(seed, index);
}

function seal(
  folder: string,
  kind: SealedKind,
  secret: Uint8Array,
  password: string,
  options: SealOptions,
): Promise<Stored<ValidatorKey | AccountKey>> {
  return kind === 'validator'
    ? sealValidatorKey(folder, secret, password, options)
    : sealAccountKey(folder, secret, password, options);
}

function pick({ path, description }: ValidatorKey['keystore']): SealOptions {
  return { path, description };
}

function kindMismatch(key: Stored, problem: string): KeysCommandError {
  return new KeysCommandError('KEYS_KIND_MISMATCH', problem, {
    path: key.file,
    kind: key.kind,
    cure: 'name another key; see: ogpu keys list',
  });
}
