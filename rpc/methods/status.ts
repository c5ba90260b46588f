import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { nextValidators, powerOf } from '../../state/staking/active-set.js';
import { epochNumber } from '../../state/staking/epoch-record.js';
import { progressRecord } from '../../state/system/chain.js';
import { defineMethod, type RpcMethod } from '../method.js';
import { HashText } from '../schema/values.js';

export const ChecksumAddress = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .meta({ id: 'ChecksumAddress', description: 'An account, in the mixed case of EIP-55.' });

/** Amounts of this chain's own methods. */
export const WeiText = z
  .string()
  .regex(/^\d+$/)
  .meta({ id: 'Wei', description: 'Wei in decimal; 1 OGPU = 10^18 wei.' });

export const Height = z.int().min(0).meta({ id: 'Height', description: 'Number of a block.' });
export const UnixMs = z.int().min(0).meta({ id: 'UnixMs', description: 'Unix time in milliseconds.' });

export const StatusShape = z.strictObject({
  chainId: z.int(),
  genesisId: HashText,
  clientVersion: z.string(),
  block: z
    .object({ height: Height, id: HashText, stateRoot: HashText, timeMs: UnixMs, ageMs: z.int() })
    .describe('The first finality: the last block that +2/3 of stake have committed. It never changes.'),
  jobs: z
    .object({ supported: z.boolean() })
    .describe('The second finality, of job results: this version has no job registry yet.'),
  lowestHeight: Height.describe('The lowest block that is kept.'),
  epoch: z.int(),
  validators: z.object({ active: z.int(), votingPower: z.int().describe('In millionths of OGPU.') }),
  validator: ChecksumAddress.nullable().describe('The one this node signs for.'),
  syncing: z.object({ startingHeight: Height, highestHeight: Height }).nullable(),
  troubles: z
    .array(z.strictObject({ code: z.string(), message: z.string(), cure: z.string().nullable() }))
    .describe('What the operator of the node should do something about, as long as it lasts.'),
  peers: z.int(),
  mempool: z.object({ count: z.int(), sizeBytes: z.int() }),
});

export const PeerShape = z.strictObject({
  id: z.string(),
  address: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  height: Height.nullable(),
  validator: ChecksumAddress.nullable(),
});

/** How the node is. */
export const statusMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_status',
    summary: 'Where the node and its chain stand, with both finalities.',
    parameters: [],
    result: { description: 'Heights, times in ms, peers, mempool.', schema: StatusShape },
    call: ({ services }): z.input<typeof StatusShape> => {
      const { backend, chain } = services;
      const { validator, syncing, peers, troubles = [] } = backend.status();
      const { height, id, stateRoot } = chain.head;
      const { timeMs } = progressRecord.read(chain.store);
      const { count, sizeBytes } = backend.pool.stats();
      const set = nextValidators(chain.store);
      return {
        chainId: chain.chainId,
        genesisId: toHex(chain.genesisId),
        clientVersion: backend.clientVersion,
        block: {
          height,
          id: toHex(id),
          stateRoot: toHex(stateRoot),
          timeMs,
          ageMs: Math.floor(backend.nowMs() - timeMs),
        },
        jobs: { supported: false },
        lowestHeight: chain.lowestHeight,
        epoch: epochNumber(chain.store),
        validators: { active: set.length, votingPower: powerOf(set) },
        validator: validator === undefined ? null : toChecksumAddress(validator),
        syncing: syncing ?? null,
        troubles: troubles.map(({ code, message, cure }) => ({ code, message, cure: cure ?? null })),
        peers: peers.length,
        mempool: { count, sizeBytes },
      };
    },
  }),
  defineMethod({
    name: 'ogpu_peers',
    summary: 'Who the node is connected to.',
    parameters: [],
    result: { description: 'One for each connection.', schema: z.array(PeerShape) },
    call: ({ services }): z.input<typeof PeerShape>[] =>
      services.backend.status().peers.map(({ id, address, direction, height, validator }) => ({
        id,
        address,
        direction,
        height: height ?? null,
        validator: validator === undefined ? null : toChecksumAddress(validator),
      })),
  }),
];
