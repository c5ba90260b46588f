import type { RpcBackend } from './backend.js';
import { ByteCache, type TextCache } from './chain/byte-cache.js';
import { ChainReader } from './chain/chain-reader.js';
import { FinalNews } from './chain/final-news.js';
import { TipAdvisor } from './chain/tip-advisor.js';
import { FaucetDesk } from './faucet-desk.js';
import type { RpcLimits } from './limits.js';

/** What methods share. */
export interface Services {
  readonly backend: RpcBackend;
  readonly limits: RpcLimits;
  readonly chain: ChainReader;
  readonly news: FinalNews;
  readonly tips: TipAdvisor;
  readonly faucet: FaucetDesk | undefined;
  /** Answers about final blocks, which never change. */
  readonly answers: TextCache;
}

export function createServices(backend: RpcBackend, limits: RpcLimits): Services {
  const chain = new ChainReader(backend.store, limits.blockCacheBytes);
  return {
    backend,
    limits,
    chain,
    news: new FinalNews(backend, (news) => {
      chain.add(news);
    }),
    tips: new TipAdvisor(chain),
    faucet: backend.faucet && new FaucetDesk(backend, backend.faucet),
    answers: new ByteCache(limits.answerCacheBytes),
  };
}
