/** Simulated time is counted in whole microseconds since the start of a run. */
export const MILLISECOND_US = 1_000;
export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;

/** A moment for people: seconds with microseconds, right-aligned. */
export function formatTime(timeUs: number): string {
  const seconds = Math.floor(timeUs / SECOND_US);
  const micros = String(timeUs % SECOND_US).padStart(6, '0');
  return `${seconds}.${micros}s`.padStart(13);
}

/** A duration for people. */
export function formatDuration(durationUs: number): string {
  if (durationUs >= SECOND_US) return `${Math.round(durationUs / MILLISECOND_US) / 1000} s`;
  return `${durationUs / MILLISECOND_US} ms`;
}
