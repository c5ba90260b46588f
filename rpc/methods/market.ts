import { z } from 'zod';
import { toChecksumAddress, type Address } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { asciiText } from '../../protocol/names.js';
import { mayClaim } from '../../state/providers/bonds.js';
import {
  freeWei,
  PROVIDER_STATUSES,
  providerByOperator,
  providers,
  unbondingWei,
  type Provider,
} from '../../state/providers/provider.js';
import { attestations, attestedPower, CAN_RUN } from '../../state/sources/attestations.js';
import { isOpen } from '../../state/sources/openness.js';
import {
  readSourceGraph,
  segmentKindOf,
  SOURCE_STATUSES,
  sources,
  type Source,
} from '../../state/sources/source.js';
import { STATE_KEYS } from '../../state/store/keys.js';
import type { Reader } from '../../state/store/store.js';
import { paramsRecord } from '../../state/system/chain.js';
import { readPage } from '../chain/pages.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import { defineMethod, parameter, type RpcMethod } from '../method.js';
import { NextCursor, Page } from '../schema/paging.js';
import { AddressText, BlockSelector, Hash, HashText, HexText, LATEST } from '../schema/values.js';
import { then } from '../transport/then.js';
import { ChecksumAddress, Height, UnixMs, WeiText } from './status.js';

const Counter = z.int().min(0);

export const ProviderShape = z
  .strictObject({
    id: ChecksumAddress.describe('The address of its master, for ever.'),
    name: z.string(),
    payout: ChecksumAddress.describe('Where earnings go.'),
    addresses: z.array(ChecksumAddress).describe('Stand for it besides the master, by their own word.'),
    invited: z.array(ChecksumAddress).describe('Are asked to.'),
    gpus: z.array(
      z.strictObject({ vendor: z.string(), model: z.string(), vramMiB: Counter, count: Counter }),
    ),
    status: z.enum(['active', 'draining', 'leaving']),
    mayClaim: z.boolean().describe('Whether it can claim a job now.'),
    sinceMs: UnixMs,
    lockup: z.strictObject({
      totalWei: WeiText,
      lockedWei: WeiText.describe('In bonds of attempts that are not final.'),
      unbondingWei: WeiText.describe('On its way out.'),
      freeWei: WeiText,
    }),
    withdrawals: z.array(
      z.strictObject({ number: Counter, amountWei: WeiText, dueMs: UnixMs, dueHeight: Height }),
    ),
    reputation: z
      .strictObject({
        accepted: Counter,
        rejected: Counter,
        withheld: Counter,
        abandoned: Counter,
        inconclusive: Counter,
        released: Counter,
        earnedWei: WeiText,
        slashedWei: WeiText,
      })
      .describe('How its attempts have ended, and what it has earned and lost by them.'),
  })
  .meta({ id: 'Provider', description: 'A provider as the state has it.' });

export const SourceShape = z
  .strictObject({
    id: HashText.describe('The hash of its program.'),
    owner: ChecksumAddress,
    status: z.enum(['waiting', 'open', 'retired']),
    takesJobs: z.boolean().describe('Whether the present validators can run it.'),
    kind: z.enum(['batch', 'chain']).describe('Whether segments are independent or follow from each other.'),
    weightsHash: HashText.describe('SHA-256 of the file that holds all of its constants.'),
    graphBytes: Counter,
    nodes: Counter,
    work: z
      .strictObject({
        macs: Counter,
        steps: Counter,
        bytes: Counter,
        dispatches: Counter,
        memoryBytes: Counter.describe('What a device needs for it.'),
        weightBytes: Counter,
        inputBytes: Counter,
        outputBytes: Counter,
      })
      .describe('What one segment costs.'),
    bondWei: WeiText,
    openJobs: Counter,
    registeredMs: UnixMs,
    release: z
      .strictObject({ dueMs: UnixMs, dueHeight: Height })
      .nullable()
      .describe('When the bond returns and the source is forgotten.'),
    capablePower: Counter.describe('Of the active validators that can run it, in millionths of OGPU.'),
    totalPower: Counter,
  })
  .meta({ id: 'Source', description: 'A registered program as the state has it.' });

export const AttestedSourceShape = z
  .strictObject({
    ...SourceShape.shape,
    attestations: z.array(
      z.strictObject({
        validator: ChecksumAddress,
        verdict: z.enum(['canRun', 'cannotJudge']),
        height: Height,
      }),
    ),
  })
  .meta({ id: 'AttestedSource', description: 'A registered program, with what each validator says of it.' });

export const SourceGraphShape = z.strictObject({ id: HashText, graph: HexText });

const page = parameter('page', Page.prefault({}), 'Which part of the list.');
const block = parameter('block', BlockSelector.optional(), 'After which block; latest unless given.');
const source = parameter('id', Hash, 'The hash of its program.');

/** Who computes, and what. */
export const marketMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_providers',
    summary: 'Providers, in the order of their ids.',
    isHeavy: true,
    parameters: [page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ providers: z.array(ProviderShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services, deadline }, part) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, STATE_KEYS.provider.range(), part);
      const answers: z.input<typeof ProviderShape>[] = [];
      for (const { key, value } of entries) {
        const [master] = STATE_KEYS.provider.decode(key);
        answers.push(providerJson(store, master, providers.decode(value)));
        await deadline.slice();
      }
      return { providers: answers, next };
    },
  }),
  defineMethod({
    name: 'ogpu_provider',
    summary: 'The provider that an address stands for.',
    parameters: [
      parameter('address', AddressText, 'Its master, or one that has accepted to stand for it.'),
      block,
    ],
    result: { description: 'The provider.', schema: ProviderShape },
    errors: ['RPC_PROVIDER_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, address, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => {
        const known = providerByOperator(view, address);
        return known && providerJson(view, known.master, known.provider);
      });
      return then(found, (answer) => {
        if (answer !== undefined) return answer;
        const data = { address: toChecksumAddress(address) };
        throw new RpcError(RPC.resourceNotFound, 'RPC_PROVIDER_UNKNOWN', 'no such provider', data);
      });
    },
  }),
  defineMethod({
    name: 'ogpu_sources',
    summary: 'Registered programs, in the order of their hashes.',
    isHeavy: true,
    parameters: [page],
    result: {
      description: 'A page.',
      schema: z.strictObject({ sources: z.array(SourceShape), next: NextCursor }),
    },
    errors: ['RPC_CURSOR_INVALID'],
    call: async ({ services, deadline }, part) => {
      const { store } = services.chain;
      const { entries, next } = await readPage(store, STATE_KEYS.source.range(), part);
      const answers: z.input<typeof SourceShape>[] = [];
      for (const { key, value } of entries) {
        const [id] = STATE_KEYS.source.decode(key);
        answers.push(sourceJson(store, id, sources.decode(value)));
        await deadline.slice();
      }
      return { sources: answers, next };
    },
  }),
  defineMethod({
    name: 'ogpu_source',
    summary: 'One registered program.',
    parameters: [source, block],
    result: { description: 'The source.', schema: AttestedSourceShape },
    errors: ['RPC_SOURCE_UNKNOWN', 'RPC_BLOCK_UNKNOWN', 'PAST_STATE_PRUNED'],
    call: ({ services }, id, reference = LATEST) => {
      const found = services.chain.readState(reference, (view) => {
        const known = sources.find(view, id);
        return known && attestedJson(view, id, known);
      });
      return then(found, (answer) => answer ?? refuseSource(id));
    },
  }),
  defineMethod({
    name: 'ogpu_sourceGraph',
    summary: 'The encoded graph of a registered program.',
    description: 'Exactly as it was registered; its SSZ root is the id. At most 64 KiB.',
    parameters: [source],
    result: { description: 'The graph.', schema: SourceGraphShape },
    errors: ['RPC_SOURCE_UNKNOWN'],
    call: ({ services }, id) => {
      const graph = readSourceGraph(services.chain.store, id);
      return graph === undefined ? refuseSource(id) : { id: toHex(id), graph: toHex(graph) };
    },
  }),
];

function refuseSource(id: Uint8Array): never {
  throw new RpcError(RPC.resourceNotFound, 'RPC_SOURCE_UNKNOWN', 'no such source', { source: toHex(id) });
}

function providerJson(view: Reader, master: Address, provider: Provider): z.input<typeof ProviderShape> {
  const { addresses, reputation } = provider;
  const listed = (flag: number): string[] =>
    addresses.filter(({ accepted }) => accepted === flag).map(({ address }) => toChecksumAddress(address));
  return {
    id: toChecksumAddress(master),
    name: asciiText(provider.name),
    payout: toChecksumAddress(provider.payout),
    addresses: listed(1),
    invited: listed(0),
    gpus: provider.gpus.map((gpu) => ({
      ...gpu,
      vendor: asciiText(gpu.vendor),
      model: asciiText(gpu.model),
    })),
    status: PROVIDER_STATUSES[provider.status] ?? 'leaving',
    mayClaim: mayClaim(paramsRecord.read(view), provider),
    sinceMs: provider.sinceMs,
    lockup: {
      totalWei: provider.lockupWei.toString(),
      lockedWei: provider.lockedWei.toString(),
      unbondingWei: unbondingWei(provider).toString(),
      freeWei: freeWei(provider).toString(),
    },
    withdrawals: provider.withdrawals.map((withdrawal) => ({
      ...withdrawal,
      amountWei: withdrawal.amountWei.toString(),
    })),
    reputation: {
      ...reputation,
      earnedWei: reputation.earnedWei.toString(),
      slashedWei: reputation.slashedWei.toString(),
    },
  };
}

function sourceJson(view: Reader, id: Uint8Array, found: Source): z.input<typeof SourceShape> {
  const { capable, total } = attestedPower(view, id);
  const [release] = found.release;
  return {
    id: toHex(id),
    owner: toChecksumAddress(found.owner),
    status: SOURCE_STATUSES[found.status] ?? 'retired',
    takesJobs: isOpen(view, id),
    kind: segmentKindOf(found),
    weightsHash: toHex(found.weightsHash),
    graphBytes: found.graphBytes,
    nodes: found.nodes,
    work: { ...found.work },
    bondWei: found.bondWei.toString(),
    openJobs: found.openJobs,
    registeredMs: found.registeredMs,
    release: release === undefined ? null : { ...release },
    capablePower: capable,
    totalPower: total,
  };
}

function attestedJson(view: Reader, id: Uint8Array, found: Source): z.input<typeof AttestedSourceShape> {
  const said = attestations.find(view, id) ?? [];
  return {
    ...sourceJson(view, id, found),
    attestations: said.map(({ validator, verdict, height }) => ({
      validator: toChecksumAddress(validator),
      verdict: verdict === CAN_RUN ? 'canRun' : 'cannotJudge',
      height,
    })),
  };
}
