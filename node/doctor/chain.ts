import { join } from 'node:path';
import { OgpuError } from '../../protocol/errors.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { validators } from '../../state/staking/validator.js';
import { progressRecord } from '../../state/system/chain.js';
import type { Store } from '../../state/store/store.js';
import type { NodeConfig } from '../config/node-config.js';
import { isThere } from '../config/toml-file.js';
import { keysFolder, signerFolder } from '../data-folder.js';
import { LedgerMissingError, withLedger } from '../diagnosis/open-ledger.js';
import { readKeyFile } from '../keys/key-file.js';
import { loadNodeIdentity, NODE_KEY_NAME, openKey } from '../keys/keyring.js';
import { readPasswordFile } from '../keys/password.js';
import { fail, failedBy, ok, warn, type Finding } from './finding.js';

/** What the keys are: read, opened, and compared with the ledger. */
export interface ValidatorFacts {
  readonly publicKey: Uint8Array | undefined;
  readonly findings: readonly Finding[];
}

export async function checkNodeKey({ dataDir }: NodeConfig): Promise<Finding> {
  const folder = keysFolder(dataDir);
  try {
    return ok('node key', `peer id ${(await loadNodeIdentity(folder)).peerId}`);
  } catch (error) {
    if (error instanceof OgpuError && error.code === 'SECRET_FILE_NOT_FOUND')
      return warn(
        'node key',
        `none at ${join(folder, NODE_KEY_NAME)}: the first start makes one`,
        'ogpu init',
      );
    return failedBy('node key', error);
  }
}

/** Opens the key with its password, as the start does: that takes a second. */
export async function checkValidatorKey({ dataDir, validator }: NodeConfig): Promise<ValidatorFacts> {
  const name = 'validator key';
  if (validator === undefined)
    return { publicKey: undefined, findings: [ok(name, 'none configured: the node follows the chain')] };
  const { keystoreFile, passwordFile } = validator;
  try {
    const key = await readKeyFile(keystoreFile);
    if (key.kind !== 'validator') {
      const cure = 'name the file of a validator key in validator.keystoreFile';
      return {
        publicKey: undefined,
        findings: [fail(name, `${keystoreFile} holds a key of kind ${key.kind}`, cure)],
      };
    }
    const secret = await openKey({ ...key, file: keystoreFile }, await readPasswordFile(passwordFile));
    const publicKey = bls.publicKey(secret);
    const opens = ok(name, `${toHex(publicKey).slice(0, 18)}… opens with its password`);
    return { publicKey, findings: [opens, await recordFinding(dataDir, publicKey)] };
  } catch (error) {
    return { publicKey: undefined, findings: [failedBy(name, error)] };
  }
}

/** Whether there is a record of what the key signed last; whether it can be read is seen at the start. */
async function recordFinding(dataDir: string, publicKey: Uint8Array): Promise<Finding> {
  const name = 'signer record';
  const folder = signerFolder(dataDir, publicKey);
  if (await isThere(folder)) return ok(name, 'there is one of this key');
  const cure =
    'for a key that has never signed anything, anywhere: `ogpu signer new`; otherwise carry it here: docs/validator-keys.md';
  return fail(name, `none at ${folder}: the node does not sign without one`, cure);
}

export interface ChainFacts {
  /** A node has the ledger open. */
  readonly isRunning: boolean;
  readonly findings: readonly Finding[];
}

/** The genesis, whether the ledger is of it, and whether the validator of the configuration is on the chain with this key. */
export async function checkChain(config: NodeConfig, publicKey: Uint8Array | undefined): Promise<ChainFacts> {
  const { dataDir: data, genesis } = config;
  try {
    const findings = await withLedger({ data, genesis }, ({ store, head, identity }) => {
      const { timeMs } = progressRecord.read(store);
      const found = [
        ok('genesis', `${toHex(identity.genesisId).slice(0, 18)}…, chain ${identity.chainId}`),
        headFinding(head.height, timeMs),
      ];
      if (config.validator !== undefined)
        found.push(validatorFinding(store, config.validator.owner, publicKey));
      return Promise.resolve(found);
    });
    return { isRunning: false, findings };
  } catch (error) {
    if (!(error instanceof OgpuError)) throw error;
    const code = String(error.code);
    const right = ok('genesis', `${genesis} is right`);
    if (error instanceof LedgerMissingError)
      return { isRunning: false, findings: [right, ok('ledger', 'none yet: the first start makes it')] };
    if (code === 'STORE_LOCKED')
      return { isRunning: true, findings: [right, ok('ledger', 'open in a node that runs')] };
    if (!code.startsWith('GENESIS_')) return { isRunning: false, findings: [failedBy('ledger', error)] };
    const cure = 'put it there with `ogpu init --genesis <file>`; `ogpu genesis check` tells all its faults';
    return { isRunning: false, findings: [fail('genesis', error.message, cure)] };
  }
}

const MAX_AHEAD_MS = 10_000;

/** A clock that is behind the chain is wrong, whatever the others say. */
function headFinding(height: number, timeMs: number): Finding {
  const aheadMs = timeMs - Date.now();
  const detail = `block ${height} of ${new Date(timeMs).toISOString()}`;
  if (aheadMs <= MAX_AHEAD_MS) return ok('ledger', detail);
  return fail(
    'ledger',
    `${detail}: ${Math.round(aheadMs / 1000)} s ahead of the clock of this machine`,
    'set the clock: see clock',
  );
}

function validatorFinding(store: Store, owner: Uint8Array, publicKey: Uint8Array | undefined): Finding {
  const name = 'validator';
  const validator = validators.find(store, owner);
  const address = toChecksumAddress(owner);
  if (validator === undefined)
    return warn(name, `${address} has no validator on this chain yet`, 'register it: ogpu validator create');
  const isKnown =
    publicKey !== undefined && validator.keys.some((key) => bytesEqual(key.blsPublicKey, publicKey));
  if (publicKey === undefined || isKnown) return ok(name, `${address} is registered`);
  return warn(
    name,
    `${address} is registered with another key`,
    'use that key, or change to this one: ogpu validator rotate-key',
  );
}
