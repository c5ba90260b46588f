import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { bytesEqual, fromHex, toHex } from '../../protocol/bytes.js';
import { EVENTS, PAID_FROM } from '../../state/jobs/abi.js';
import { MODULE_ADDRESSES } from '../../state/modules/addresses.js';
import type { RpcClient } from '../client/rpc-client.js';

/** Money of a job that has gone somewhere. */
export interface JobPayment {
  readonly recipient: string;
  readonly isPool: boolean;
  readonly from: keyof typeof PAID_FROM;
  readonly amountWei: bigint;
}

const Logs = z.array(z.object({ topics: z.array(z.string()).length(4), data: z.string() })).max(65_536);

/** Every payment of a job, in the order of their blocks: the ledger's own account of where its money went. */
export async function paymentsOf(rpc: RpcClient, job: string): Promise<JobPayment[]> {
  const filter = {
    address: toHex(MODULE_ADDRESSES.jobs),
    topics: [toHex(EVENTS.Paid.topic), job],
    fromBlock: 'earliest',
    toBlock: 'latest',
  };
  const logs = await rpc.call('eth_getLogs', [filter], Logs);
  return logs.map(({ topics: [, , recipient = '', from = ''], data }) => {
    const address = fromHex(recipient).slice(-20);
    const source = Object.entries(PAID_FROM).find(([, number]) => BigInt(from) === BigInt(number));
    return {
      recipient: toChecksumAddress(address),
      isPool: bytesEqual(address, new Uint8Array(20)),
      from: (source?.[0] ?? 'escrow') as JobPayment['from'],
      amountWei: BigInt(data),
    };
  });
}
