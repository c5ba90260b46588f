import { abiTargets } from './abi.js';
import { consensusTargets } from './consensus.js';
import { documentTargets } from './documents.js';
import { durableTargets } from './durable.js';
import { moduleTargets } from './modules.js';
import { protocolTargets } from './protocol.js';
import { rpcTargets } from './rpc.js';
import { sszTargets } from './ssz.js';
import type { FuzzTarget } from './target.js';
import { tensorTargets } from './tensor.js';
import { transactionTargets } from './transactions.js';
import { treeTargets } from './tree.js';

/** Every fuzz target, in the order `npm run fuzz` takes them. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...sszTargets,
  ...transactionTargets,
  ...abiTargets,
  ...moduleTargets,
  ...protocolTargets,
  ...documentTargets,
  ...treeTargets,
  ...durableTargets,
  ...consensusTargets,
  ...rpcTargets,
  ...tensorTargets,
];
