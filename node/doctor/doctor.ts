import type { NodeConfig } from '../config/node-config.js';
import { checkChain, checkNodeKey, checkValidatorKey } from './chain.js';
import { checkChainClock } from './chain-clock.js';
import { checkSpace, checkSync } from './disk.js';
import type { Finding } from './finding.js';
import { checkGpu } from './gpu.js';
import {
  checkClock,
  checkFastPaths,
  checkMemory,
  checkNodeVersion,
  checkOpenFiles,
  checkProcessors,
} from './machine.js';
import { checkPeers, checkPorts } from './network.js';

/**
 * Looks at everything a node needs, one after the other, and tells each as it is found. Nothing of the node's is changed, though LevelDB
 * tidies its files when they are opened.
 */
export async function* examine(config: NodeConfig): AsyncGenerator<Finding> {
  yield checkNodeVersion();
  yield checkFastPaths();
  yield checkProcessors();
  yield checkMemory(config);
  yield await checkOpenFiles(config);
  yield await checkClock();
  yield await checkSpace(config.dataDir);
  yield await checkSync(config.dataDir, config.validator !== undefined);
  yield await checkNodeKey(config);
  const key = await checkValidatorKey(config);
  yield* key.findings;
  const chain = await checkChain(config, key.publicKey);
  yield* chain.findings;
  if (chain.isRunning && config.rpc.enabled) yield await checkChainClock(config);
  yield await checkPorts(config, chain.isRunning);
  yield await checkPeers(config);
  yield await checkGpu();
}
