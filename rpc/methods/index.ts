import { invariant } from '../../protocol/invariant.js';
import type { RpcMethod } from '../method.js';
import { accountMethods } from './accounts.js';
import { blockMethods } from './blocks.js';
import { executionMethods } from './execution.js';
import { faucetMethods } from './faucet.js';
import { feeMethods } from './fees.js';
import { networkMethods } from './network.js';
import { statusMethods } from './status.js';
import { transactionMethods } from './transactions.js';
import { unsupportedMethods } from './unsupported.js';
import { validatorMethods } from './validators.js';

/** Every method, in the order of the documents. */
export const METHODS: readonly RpcMethod[] = [
  ...networkMethods,
  ...feeMethods,
  ...accountMethods,
  ...executionMethods,
  ...blockMethods,
  ...transactionMethods,
  ...statusMethods,
  ...validatorMethods,
  ...faucetMethods,
  ...unsupportedMethods,
];

export const METHOD_TABLE: ReadonlyMap<string, RpcMethod> = new Map(
  METHODS.map((method) => [method.name, method]),
);

invariant(METHOD_TABLE.size === METHODS.length, 'each method has a name of its own');
