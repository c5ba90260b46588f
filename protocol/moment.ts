/** Time of a header in milliseconds, and its height. */
export interface BlockMoment {
  readonly timeMs: number;
  readonly height: number;
}

/** Whether a block has come to `moment`: to its time and to its height, so that neither a halt nor fast blocks alone bring it about. */
export function hasCome(moment: BlockMoment, now: BlockMoment): boolean {
  return now.timeMs >= moment.timeMs && now.height >= moment.height;
}
