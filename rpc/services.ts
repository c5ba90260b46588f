import type { RpcBackend } from './backend.js';
import { ByteCache, type TextCache } from './chain/byte-cache.js';
import { ChainReader } from './chain/chain-reader.js';
import { FinalNews } from './chain/final-news.js';
import { TipAdvisor } from './chain/tip-advisor.js';
import { FaucetDesk } from './faucet-desk.js';
import type { RpcLimits } from './limits.js';
import { openRpcDocument } from './openrpc.js';
import { Filters } from './subscriptions/filters.js';
import { SubscriptionHub } from './subscriptions/hub.js';
import { Turns } from './transport/turns.js';

/** What methods share. */
export interface Services {
  readonly backend: RpcBackend;
  readonly limits: RpcLimits;
  readonly chain: ChainReader;
  readonly news: FinalNews;
  readonly tips: TipAdvisor;
  readonly filters: Filters;
  readonly hub: SubscriptionHub;
  readonly turns: Turns;
  readonly faucet: FaucetDesk | undefined;
  /** What `rpc.discover` serves, as text. */
  readonly openRpc: string;
  /** Answers about final blocks, which never change. */
  readonly answers: TextCache;
}

export function createServices(backend: RpcBackend, limits: RpcLimits): Services {
  const chain = new ChainReader(backend.store, limits.blockCacheBytes);
  const turns = new Turns(limits.turnMs);
  const news = new FinalNews(backend, (block) => {
    chain.add(block);
  });
  return {
    backend,
    limits,
    chain,
    turns,
    news,
    filters: new Filters(chain, backend.pool, limits, () => backend.nowMs()),
    hub: new SubscriptionHub({ backend, chain, news, turns, limits }),
    tips: new TipAdvisor(chain),
    faucet: backend.faucet && new FaucetDesk(backend, backend.faucet),
    openRpc: JSON.stringify(openRpcDocument(backend.clientVersion)),
    answers: new ByteCache(limits.answerCacheBytes),
  };
}
