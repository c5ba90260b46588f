import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { AddressText, HashText, Quantity } from '../schema/values.js';
import { ChecksumAddress, WeiText } from './status.js';

export const GiftShape = z.strictObject({
  transactionHash: HashText,
  from: ChecksumAddress,
  amountWei: WeiText,
});

/** Money for tests. */
export const faucetMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_faucet',
    summary: 'Sends some coins to an address; on devnets alone.',
    parameters: [
      parameter('address', AddressText, 'Who gets them.'),
      parameter(
        'amountWei',
        Quantity.optional(),
        'At most this much; as much as is given at a time unless given.',
      ),
    ],
    result: { description: 'The transaction that brings them.', schema: GiftShape },
    errors: ['RPC_FAUCET_CLOSED', 'RPC_FAUCET_TOO_SOON', 'RPC_FAUCET_EMPTY'],
    call: async ({ services }, to, wantedWei): Promise<z.input<typeof GiftShape>> => {
      if (services.faucet === undefined) {
        const text = 'this node gives no coins away: faucets are for devnets';
        throw new RpcError(RPC.methodNotSupported, 'RPC_FAUCET_CLOSED', text);
      }
      const { transactionHash, from, amountWei } = await services.faucet.give(to, wantedWei);
      return {
        transactionHash: toHex(transactionHash),
        from: toChecksumAddress(from),
        amountWei: amountWei.toString(),
      };
    },
  }),
];
