import { checkConfig } from '../mempool/config.js';
import { MempoolError } from '../mempool/errors.js';
import type { ConfigFault } from './config-error.js';
import type { AllValues } from './node-config.js';

/**
 * What is wrong with values that are right each by itself.
 *
 * @param sourceOf a setting
 */
export function relationFaults(values: AllValues, sourceOf: (path: string) => string): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (path: string, message: string): void => {
    faults.push({ path, code: 'CONFIG_RELATION', message, source: sourceOf(path) });
  };
  const { validator, sync, rpc, metrics } = values;
  if (validator.enabled) {
    for (const name of ['keystoreFile', 'passwordFile', 'owner'] as const)
      if (validator[name] === undefined)
        add(`validator.${name}`, 'is missing, and validator.enabled is true');
  }
  if ((sync.trustedHeight === undefined) !== (sync.trustedId === undefined)) {
    const [missing, given] =
      sync.trustedId === undefined ? ['trustedId', 'trustedHeight'] : ['trustedHeight', 'trustedId'];
    add(`sync.${missing}`, `is missing, and sync.${given} is there`);
  }
  if (sync.snapshotIntervalBlocks === 1) add('sync.snapshotIntervalBlocks', 'is 0 or at least 2');
  if (rpc.enabled && metrics.enabled && rpc.port !== 0 && rpc.port === metrics.port)
    add('metrics.port', `is that of rpc.port: ${rpc.port}`);
  for (const twice of duplicates(values.p2p.peers.map(({ id }) => id)))
    add('p2p.peers', `names ${twice} twice`);
  try {
    checkConfig(values.mempool);
  } catch (error) {
    if (!(error instanceof MempoolError)) throw error;
    add(`mempool.${String(error.data['field'])}`, error.message);
  }
  return faults;
}

function duplicates(items: readonly string[]): Set<string> {
  return new Set(items.filter((item, index) => items.indexOf(item) !== index));
}
