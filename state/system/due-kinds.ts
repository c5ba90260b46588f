/** What can fall due; the numbers are part of the state. */
export const DUE = { unbonding: 1, withdrawal: 2, sourceBond: 3, job: 4, forgottenJob: 5 } as const;

/** Items that one block takes from the queue; the next goes on. */
export const MAX_DUE_PER_BLOCK = 256;
