import type { Address } from '../../protocol/address.js';
import { bls } from '../../protocol/crypto/bls.js';
import { ownerBindingRoot, type ChainIdentity } from '../../protocol/domains.js';
import type { KeyProof } from '../../state/staking/registering.js';
import { findKey, openKey } from '../keys/keyring.js';
import { readPasswordFile, type PromptPassword } from '../keys/password.js';
import { Status, Upgrades } from './answers.js';
import { ClientError } from './errors.js';
import type { RpcClient } from './rpc-client.js';

export interface KeyProofOptions {
  /** Folder of the keys. */
  readonly dir: string;
  /** Which key: see `findKey`. */
  readonly key: string;
  readonly keyPasswordFile?: string;
}

/** For which chain and rules a signature made now is. */
export async function chainIdentityOf(rpc: RpcClient): Promise<ChainIdentity> {
  const [{ chainId, genesisId, block }, { upgrades }] = await Promise.all([
    rpc.call('ogpu_status', [], Status),
    rpc.call('ogpu_params', [], Upgrades),
  ]);
  const active = upgrades.findLast(({ activationHeight }) => activationHeight <= block.height + 1);
  if (active === undefined) {
    const data = { url: rpc.url, height: block.height };
    throw new ClientError(
      'RPC_ANSWER_INVALID',
      'the node names no protocol version for the next block',
      data,
    );
  }
  return { chainId, genesisId, protocolVersion: active.protocolVersion };
}

/**
 * What a validator key signs to be registered for `owner`.
 *
 * @param nonce keys the validator had before
 * @throws KeyringError, SecretFileError, KeystoreError, PasswordError, ClientError CLIENT_KEY_KIND
 */
export async function proofOfKey(
  { dir, key: name, keyPasswordFile }: KeyProofOptions,
  askPassword: PromptPassword,
  identity: ChainIdentity,
  owner: Address,
  nonce: number,
): Promise<KeyProof> {
  const key = await findKey(dir, name);
  if (key.kind !== 'validator') {
    const data = { path: key.file, kind: key.kind, cure: 'name a validator key with --key: ogpu keys list' };
    throw new ClientError('CLIENT_KEY_KIND', 'not the key of a validator', data);
  }
  const question = 'Password of the validator key: ';
  const password =
    keyPasswordFile === undefined ? await askPassword(question) : await readPasswordFile(keyPasswordFile);
  const secret = await openKey(key, password);
  const purpose = nonce === 0 ? 'validator-registration' : 'validator-key-rotation';
  return {
    blsPublicKey: bls.publicKey(secret),
    proofOfPossession: bls.provePossession(secret),
    ownerBinding: bls.sign(secret, ownerBindingRoot(identity, purpose, owner, nonce)),
  };
}
