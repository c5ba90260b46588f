import { openLog } from '../../node/logging/logger.js';
import { Repeats } from '../../node/logging/repeats.js';
import { SyncTeller } from '../../node/sync-teller.js';

/* A node that catches up, as far as its terminal is concerned. */

const TOTAL = 200;
const log = openLog({ level: 'info', format: 'auto' });
const teller = new SyncTeller(log.logger, new Repeats());
for (let height = 100; height <= TOTAL; height++) {
  teller.blocks({
    ...{ height, targetHeight: TOTAL, blocksPerSecond: 50, transactionsPerSecond: 0 },
    ...{ etaMs: 20 * (TOTAL - height), peers: 1, bufferedBytes: 0 },
  });
  if (height === 150) log.logger.info({ height }, 'half way');
}
teller.end();
log.logger.info({}, 'is there');
log.flush();
