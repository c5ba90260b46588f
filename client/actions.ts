import type { Address, Client, Hash, Hex } from 'viem';
import type { OgpuResults } from '../rpc/results.js';

/** Which part of a list; `next` of an answer is `cursor` of the one after. */
export interface Page {
  readonly cursor?: string;
  readonly limit?: number;
}

/** By which one thing jobs are listed. */
export interface JobFilter {
  readonly client?: Address;
  /** Its master. */
  readonly provider?: Address;
  readonly phase?: OgpuResults['ogpu_job']['phase'];
}

/** A height, a hash or a tag. */
export type BlockSelector = bigint | Hash | 'latest' | 'earliest';

/** This chain's own methods, typed. No interface: viem takes what could have further fields. */
export type OgpuActions = {
  getStatus(): Promise<OgpuResults['ogpu_status']>;
  getPeers(): Promise<OgpuResults['ogpu_peers']>;
  getValidators(page?: Page): Promise<OgpuResults['ogpu_validators']>;
  getValidator(id: Address, block?: BlockSelector): Promise<OgpuResults['ogpu_validator']>;
  getDelegations(
    of: { readonly delegator: Address } | { readonly validator: Address },
    page?: Page,
  ): Promise<OgpuResults['ogpu_delegations']>;
  getUnbondings(delegator: Address, page?: Page): Promise<OgpuResults['ogpu_unbondings']>;
  getRewards(delegator: Address, page?: Page): Promise<OgpuResults['ogpu_rewards']>;
  /** @param filter by one of them; open jobs unless given */
  getJobs(filter?: JobFilter, page?: Page): Promise<OgpuResults['ogpu_jobs']>;
  getJob(id: Hash, block?: BlockSelector): Promise<OgpuResults['ogpu_job']>;
  getAudit(id: Hash, attempt: number, block?: BlockSelector): Promise<OgpuResults['ogpu_audit']>;
  explainJob(id: Hash, block?: BlockSelector): Promise<OgpuResults['ogpu_explainJob']>;
  /** Open jobs as a provider sees them. @param provider an address that stands for it */
  getJobOffers(provider?: Address, page?: Page): Promise<OgpuResults['ogpu_jobOffers']>;
  /** Attempts under way. @param provider an address that stands for it */
  getAssignments(provider: Address, page?: Page): Promise<OgpuResults['ogpu_assignments']>;
  getProviders(page?: Page): Promise<OgpuResults['ogpu_providers']>;
  /** @param address of its master, or one that stands for it */
  getProvider(address: Address, block?: BlockSelector): Promise<OgpuResults['ogpu_provider']>;
  getSources(page?: Page): Promise<OgpuResults['ogpu_sources']>;
  getSource(id: Hash, block?: BlockSelector): Promise<OgpuResults['ogpu_source']>;
  getSourceGraph(id: Hash): Promise<OgpuResults['ogpu_sourceGraph']>;
  getParams(block?: BlockSelector): Promise<OgpuResults['ogpu_params']>;
  /** @param isCounted whether all accounts are added up */
  getSupply(isCounted?: boolean): Promise<OgpuResults['ogpu_supply']>;
  getHeader(block?: BlockSelector): Promise<OgpuResults['ogpu_header']>;
  getCommit(block?: BlockSelector): Promise<OgpuResults['ogpu_commit']>;
  /** What the node has of a blob. */
  getBlob(id: Hash): Promise<OgpuResults['ogpu_blob']>;
  /** On devnets: coins for an address. @returns the transaction that brings them */
  askFaucet(address: Address, amountWei?: bigint): Promise<Hash>;
};

/** To be given to `client.extend`. */
export function ogpuActions(client: Client): OgpuActions {
  const request = client.request as <Result>(call: {
    readonly method: string;
    readonly params: readonly unknown[];
  }) => Promise<Result>;
  const ask = <Method extends keyof OgpuResults>(
    method: Method,
    ...params: readonly unknown[]
  ): Promise<OgpuResults[Method]> => request<OgpuResults[Method]>({ method, params });
  return {
    getStatus: () => ask('ogpu_status'),
    getPeers: () => ask('ogpu_peers'),
    getValidators: (page = {}) => ask('ogpu_validators', page),
    getValidator: (id, block) => ask('ogpu_validator', id, selector(block)),
    getDelegations: (of, page = {}) => ask('ogpu_delegations', of, page),
    getUnbondings: (delegator, page = {}) => ask('ogpu_unbondings', delegator, page),
    getRewards: (delegator, page = {}) => ask('ogpu_rewards', delegator, page),
    getJobs: (filter = {}, page = {}) => ask('ogpu_jobs', filter, page),
    getJob: (id, block) => ask('ogpu_job', id, selector(block)),
    getAudit: (id, attempt, block) => ask('ogpu_audit', id, attempt, selector(block)),
    explainJob: (id, block) => ask('ogpu_explainJob', id, selector(block)),
    getJobOffers: (provider, page = {}) =>
      ask('ogpu_jobOffers', provider === undefined ? {} : { provider }, page),
    getAssignments: (provider, page = {}) => ask('ogpu_assignments', provider, page),
    getProviders: (page = {}) => ask('ogpu_providers', page),
    getProvider: (address, block) => ask('ogpu_provider', address, selector(block)),
    getSources: (page = {}) => ask('ogpu_sources', page),
    getSource: (id, block) => ask('ogpu_source', id, selector(block)),
    getSourceGraph: (id) => ask('ogpu_sourceGraph', id),
    getParams: (block) => ask('ogpu_params', selector(block)),
    getSupply: (isCounted = false) => ask('ogpu_supply', isCounted),
    getHeader: (block) => ask('ogpu_header', selector(block)),
    getCommit: (block) => ask('ogpu_commit', selector(block)),
    getBlob: (id) => ask('ogpu_blob', id),
    askFaucet: async (address, amountWei) => {
      const amount = amountWei === undefined ? [] : [quantity(amountWei)];
      const { transactionHash } = await ask('ogpu_faucet', address, ...amount);
      return transactionHash as Hash;
    },
  };
}

function selector(block: BlockSelector = 'latest'): string {
  return typeof block === 'bigint' ? quantity(block) : block;
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}
