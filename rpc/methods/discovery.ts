import { z } from 'zod';
import { defineMethod, RawJson, type RpcMethod } from '../method.js';

export const discoveryMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'rpc.discover',
    summary: 'This interface as an OpenRPC document.',
    description: 'Made from the schemas that check what is sent.',
    parameters: [],
    result: { description: 'OpenRPC 1.3.', schema: z.looseObject({ openrpc: z.string() }) },
    call: ({ services }) => new RawJson(services.openRpc),
  }),
];
