import { setFlagsFromString } from 'node:v8';

/**
 * Has the JavaScript heap collected when it has grown by `MAX_GROWTH_PERCENT` over what was alive at the end of the last collection. By
 * itself V8 lets it grow to several times that, and with it what the heap alone keeps from being freed: arrays outside of it, batches of
 * LevelDB. Once per process, at its start. Measured in `bench/ledger-block.bench.ts`.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${MAX_GROWTH_PERCENT}`);
}

const MAX_GROWTH_PERCENT = 75;
