import { monotonicClock } from '../p2p/clock.js';
import type { Clock } from './consensus/surroundings.js';

/** The machine's clock: wall time for headers, timers for everything else. */
export const systemClock: Clock = { ...monotonicClock, nowMs: () => Date.now() };
