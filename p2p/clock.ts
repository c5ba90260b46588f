export interface Alarm {
  cancel(): void;
}

/** Time as the network needs it: for spans only, so that setting the system's clock changes nothing. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  nowMs(): number;
  setTimer(delayMs: number, run: () => void): Alarm;
}

export const monotonicClock: Clock = {
  nowMs: () => performance.now(),
  setTimer: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
