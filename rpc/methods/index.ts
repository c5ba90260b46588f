import { invariant } from '../../protocol/invariant.js';
import type { RpcMethod } from '../method.js';
import { accountMethods } from './accounts.js';
import { blobMethods } from './blobs.js';
import { blockMethods } from './blocks.js';
import { discoveryMethods } from './discovery.js';
import { economyMethods } from './economy.js';
import { executionMethods } from './execution.js';
import { faucetMethods } from './faucet.js';
import { feeMethods } from './fees.js';
import { logMethods } from './logs.js';
import { jobMethods } from './jobs.js';
import { marketMethods } from './market.js';
import { networkMethods } from './network.js';
import { offerMethods } from './offers.js';
import { poolMethods } from './pool.js';
import { proofMethods } from './proofs.js';
import { stakingMethods } from './staking.js';
import { statusMethods } from './status.js';
import { subscriptionMethods } from './subscriptions.js';
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
  ...logMethods,
  ...subscriptionMethods,
  ...poolMethods,
  ...statusMethods,
  ...validatorMethods,
  ...stakingMethods,
  ...marketMethods,
  ...jobMethods,
  ...offerMethods,
  ...economyMethods,
  ...proofMethods,
  ...blobMethods,
  ...faucetMethods,
  ...discoveryMethods,
  ...unsupportedMethods,
];

export const METHOD_TABLE: ReadonlyMap<string, RpcMethod> = new Map(
  METHODS.map((method) => [method.name, method]),
);

invariant(METHOD_TABLE.size === METHODS.length, 'each method has a name of its own');
