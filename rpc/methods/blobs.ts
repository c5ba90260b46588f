import { z } from 'zod';
import { blobChunkCount } from '../../protocol/blob.js';
import { toHex } from '../../protocol/bytes.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { Hash, HashText } from '../schema/values.js';
import { UnixMs } from './status.js';

export const BlobShape = z.strictObject({
  id: HashText,
  state: z
    .enum(['whole', 'partial', 'absent'])
    .describe('Whether this node has all of it, a part that it has begun to fetch, or nothing.'),
  lengthBytes: z.int().min(0).nullable().describe('Null where the node has nothing of it.'),
  chunks: z.int().min(1).nullable().describe('Of 256 KiB, the last one what is left.'),
  pins: z
    .strictObject({ job: z.int(), source: z.int(), operator: z.int() })
    .describe('For how many open jobs and sources it is kept, and whether for the operator.'),
  usedMs: UnixMs.nullable().describe('When it was used last, or stored.'),
});

/** The bytes themselves go over plain HTTP. */
export const blobMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_blob',
    summary: 'What this node has of a blob.',
    description: 'Its bytes are at `GET /blobs/<id>` of the same port: see blobs.md.',
    parameters: [parameter('id', Hash, 'Id of the blob.')],
    result: { description: 'State, length and pins.', schema: BlobShape },
    errors: ['RPC_BLOBS_OFF'],
    call: ({ services }, id): z.input<typeof BlobShape> => {
      const { blobs } = services.backend;
      if (blobs === undefined)
        throw new RpcError(RPC.methodNotSupported, 'RPC_BLOBS_OFF', 'this node keeps no blobs');
      const { state, lengthBytes, pins, usedMs } = blobs.status(id);
      return {
        ...{ id: toHex(id), state, pins: { ...pins }, lengthBytes: lengthBytes ?? null },
        chunks: lengthBytes === undefined ? null : blobChunkCount(lengthBytes),
        usedMs: usedMs === undefined ? null : Math.floor(usedMs),
      };
    },
  }),
];
