import type { Clock } from './consensus/surroundings.js';

/** The machine's clock: wall time for headers, timers for everything else. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
