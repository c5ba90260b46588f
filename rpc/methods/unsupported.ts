import { z } from 'zod';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, type RpcMethod } from '../method.js';

/** Methods that clients know from other nodes and that cannot be here, each with what to do instead. */
const CURES: Readonly<Record<string, string>> = {
  eth_sign: 'this node keeps no keys: sign in the wallet',
  eth_signTransaction: 'this node keeps no keys: sign in the wallet',
  eth_signTypedData_v4: 'this node keeps no keys: sign in the wallet',
  eth_sendTransaction: 'this node keeps no keys: sign in the wallet and send with eth_sendRawTransaction',
  eth_getProof: 'the state is no Merkle-Patricia trie: ogpu_getAccountProof proves an account',
  eth_getWork: 'there is no mining',
  eth_submitWork: 'there is no mining',
  eth_blobBaseFee: 'there are no blobs',
};

export const unsupportedMethods: readonly RpcMethod[] = [
  ...Object.entries(CURES).map(([name, cure]) =>
    defineMethod({
      name,
      summary: `Not supported: ${cure}.`,
      takesAnything: true,
      parameters: [],
      result: { description: 'Always error -32004.', schema: z.null() },
      errors: ['RPC_METHOD_UNSUPPORTED'],
      call: () => {
        throw new RpcError(RPC.methodNotSupported, 'RPC_METHOD_UNSUPPORTED', `${name}: ${cure}`, {
          method: name,
        });
      },
    }),
  ),
  defineMethod({
    name: 'eth_mining',
    summary: 'Whether the node mines: never.',
    parameters: [],
    result: { description: 'false.', schema: z.boolean() },
    call: () => false,
  }),
  defineMethod({
    name: 'eth_hashrate',
    summary: 'Hashes a second: none.',
    parameters: [],
    result: { description: 'Zero.', schema: z.string() },
    call: () => '0x0',
  }),
];
