import { z } from 'zod';
import { toHex } from '../../protocol/bytes.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { Data, HashText, quantity, QuantityText } from '../schema/values.js';

const SyncingShape = z.union([
  z.literal(false),
  z.object({ startingBlock: QuantityText, currentBlock: QuantityText, highestBlock: QuantityText }),
]);

/** Which network this is, and how the node stands in it. */
export const networkMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'eth_chainId',
    summary: 'The chain id that transactions are signed for.',
    parameters: [],
    result: { description: 'EIP-155 chain id.', schema: QuantityText },
    call: ({ services }) => quantity(services.chain.chainId),
  }),
  defineMethod({
    name: 'net_version',
    summary: 'The chain id in decimal.',
    parameters: [],
    result: { description: 'Decimal text.', schema: z.string().regex(/^\d+$/) },
    call: ({ services }) => services.chain.chainId.toString(),
  }),
  defineMethod({
    name: 'net_listening',
    summary: 'Whether the node takes part in the network.',
    parameters: [],
    result: { description: 'true.', schema: z.boolean() },
    call: () => true,
  }),
  defineMethod({
    name: 'net_peerCount',
    summary: 'How many peers the node is connected to.',
    parameters: [],
    result: { description: 'Number of peers.', schema: QuantityText },
    call: ({ services }) => quantity(services.backend.status().peers.length),
  }),
  defineMethod({
    name: 'eth_syncing',
    summary: 'Whether the node is catching up with the chain.',
    parameters: [],
    result: { description: 'false at the head of the chain, else how far it is.', schema: SyncingShape },
    call: ({ services }) => {
      const { syncing } = services.backend.status();
      if (syncing === undefined) return false;
      return {
        startingBlock: quantity(syncing.startingHeight),
        currentBlock: quantity(services.chain.head.height),
        highestBlock: quantity(syncing.highestHeight),
      };
    },
  }),
  defineMethod({
    name: 'web3_clientVersion',
    summary: 'Name and version of the software.',
    parameters: [],
    result: { description: 'name/version/platform.', schema: z.string() },
    call: ({ services }) => services.backend.clientVersion,
  }),
  defineMethod({
    name: 'web3_sha3',
    summary: 'keccak-256 of some bytes.',
    parameters: [parameter('data', Data, 'What to hash.')],
    result: { description: 'The hash.', schema: HashText },
    call: (_, data) => toHex(keccak256(data)),
  }),
  defineMethod({
    name: 'rpc_modules',
    summary: 'The namespaces that are served.',
    parameters: [],
    result: { description: 'Version by namespace.', schema: z.record(z.string(), z.string()) },
    call: () => ({ eth: '1.0', net: '1.0', web3: '1.0', txpool: '1.0', ogpu: '1.0', rpc: '1.0' }),
  }),
];
