import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PRESETS } from '../../../protocol/presets.js';
import type { TermsScope } from '../../../state/jobs/drawing.js';
import { offerOf, type JobOffer } from '../../../state/jobs/offering.js';
import { providerByOperator } from '../../../state/providers/provider.js';
import { progressRecord } from '../../../state/system/chain.js';
import { byJobs, jobParams, JobChain, PRICE_WEI } from '../../support/jobs.js';

function offer(chain: JobChain, id: Uint8Array, provider?: Uint8Array): JobOffer {
  const { height, timeMs } = progressRecord.read(chain.ledger);
  const { chainId } = PRESETS.devnet;
  const block = { identity: { chainId }, height: height + 1, timeMs, params: jobParams() };
  const scope: TermsScope = { state: chain.ledger, block };
  const found = provider && providerByOperator(chain.ledger, provider);
  return offerOf(scope, id, chain.job(id), found);
}

describe('what an open job is to a provider', () => {
  test('its bond is the one the attempt gets, and a claim is shown until it is drawn', async () => {
    const chain = await new JobChain().open();
    const [first, second] = chain.providers;
    assert.ok(first && second);
    const id = await chain.post(1, { maxPriceWei: 2n * PRICE_WEI, valueWei: 2n * PRICE_WEI });
    const open = offer(chain, id, first);
    assert.deepEqual([open.isClaimable, open.claim], [true, undefined]);
    assert.equal(offer(chain, id).bondWei, open.bondWei);
    assert.ok(open.workUnits > 0n && open.memoryBytes > 0);
    await chain.next({ ...byJobs(first, 'claim', id, PRICE_WEI), gasLimit: 3_000_000n });
    const claimed = offer(chain, id, first);
    assert.equal(claimed.isClaimable, false);
    assert.equal(claimed.claim?.priceWei, PRICE_WEI);
    assert.ok(claimed.claim.bondWei < open.bondWei, 'a lower price has a lower bond');
    assert.equal(offer(chain, id, second).claim, undefined);
    for (let i = 0; i < 4 && chain.phase(id) === 'OPEN'; i++) await chain.next();
    assert.equal(chain.attempt(id).terms.bondWei, claimed.claim.bondWei);
  });

  test('its client is kept from it', async () => {
    const chain = await new JobChain().open();
    const id = await chain.post(1);
    const [first] = chain.providers;
    assert.ok(first);
    const found = providerByOperator(chain.ledger, first);
    assert.ok(found);
    const { height, timeMs } = progressRecord.read(chain.ledger);
    const block = { identity: { chainId: 1 }, height: height + 1, timeMs, params: jobParams() };
    const job = { ...chain.job(id), client: first };
    assert.equal(offerOf({ state: chain.ledger, block }, id, job, found).isClaimable, false);
  });
});
