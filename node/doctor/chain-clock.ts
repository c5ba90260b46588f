import { Status } from '../client/answers.js';
import { ClientError } from '../client/errors.js';
import { RpcClient } from '../client/rpc-client.js';
import type { NodeConfig } from '../config/node-config.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** Between this machine and the proposer of the last block; chains allow about as much. */
const MAX_AHEAD_MS = 500;

/**
 * The clock of this machine against those of the validators: a block has the time of its proposer, which is in the past for everybody whose
 * clock is right. A clock that is ahead looks like a block that is late, and is not found so.
 */
export async function checkChainClock({ rpc }: NodeConfig): Promise<Finding> {
  const name = 'chain clock';
  const host = rpc.host.includes(':') ? `[${rpc.host}]` : rpc.host;
  try {
    const { block } = await new RpcClient(`http://${host}:${rpc.port}`).call('ogpu_status', [], Status);
    const aheadMs = block.timeMs - Date.now();
    const detail = `block ${block.height} is ${Math.round(-aheadMs)} ms old by this clock`;
    if (aheadMs <= MAX_AHEAD_MS) return ok(name, detail);
    return fail(name, `${detail}: this clock is behind`, 'set the clock, and let a time service keep it');
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return warn(
      name,
      `the node that runs does not answer: ${error.message}`,
      'see its log, and rpc.host and rpc.port',
    );
  }
}
