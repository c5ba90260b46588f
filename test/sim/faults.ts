import { formatDuration, formatTime } from './units.js';

/** Every fault there is; each ends by itself before the run heals. */
export type Fault = FaultBody & {
  readonly atUs: number;
  readonly durationUs: number;
};

export type FaultBody =
  /** Nothing passes between the two groups; one way only where said: then nothing passes from the first to the second. */
  | {
      readonly kind: 'partition';
      readonly group: readonly number[];
      readonly rest: readonly number[];
      readonly isOneWay: boolean;
    }
  /** Messages on a topic, of some rounds, of one node or of all, reach nobody but one node; a mute one reaches nobody in turn. */
  | {
      readonly kind: 'censor';
      readonly topic: string;
      /** Undefined: everybody's. */
      readonly sender: number | undefined;
      readonly exempt: number;
      readonly rounds: 'all' | 'even' | 'odd';
      readonly isMute: boolean;
    }
  | { readonly kind: 'clog'; readonly from: number; readonly to: number }
  | { readonly kind: 'disconnect'; readonly a: number; readonly b: number }
  | { readonly kind: 'loss'; readonly permille: number }
  | { readonly kind: 'duplication'; readonly permille: number }
  | { readonly kind: 'reordering'; readonly permille: number; readonly maxUs: number }
  | { readonly kind: 'skew'; readonly node: number; readonly jumpMs: number }
  | { readonly kind: 'drift'; readonly node: number; readonly ppm: number }
  /** The process stands still, as in a long garbage collection or a suspended machine; then it goes on. */
  | { readonly kind: 'pause'; readonly node: number }
  /** Killed, at once or at its `atEffect`th effect from then; restarted on what its disk then holds. */
  | { readonly kind: 'crash'; readonly node: number; readonly atEffect: number }
  /** Killed at its `atEffect`th effect after it does what is lain in wait for; restarted on what its disk then holds. */
  | { readonly kind: 'ambush'; readonly node: number; readonly cue: string; readonly atEffect: number }
  /** Killed, and started on a copy of another node's disk, which it must refuse; gets its own back at the end. */
  | { readonly kind: 'foreign-disk'; readonly node: number; readonly owner: number }
  | { readonly kind: 'disk-full'; readonly node: number }
  | { readonly kind: 'slow-disk'; readonly node: number; readonly latencyUs: number };

export type FaultKind = FaultBody['kind'];

export const FAULT_KINDS = [
  'partition',
  'censor',
  'clog',
  'disconnect',
  'loss',
  'duplication',
  'reordering',
  'skew',
  'drift',
  'pause',
  'crash',
  'ambush',
  'foreign-disk',
  'disk-full',
  'slow-disk',
] as const satisfies readonly FaultKind[];

export function isFaultKind(name: string): name is FaultKind {
  return (FAULT_KINDS as readonly string[]).includes(name);
}

/** One readable line. */
export function describeFault(fault: Fault): string {
  const lasting = fault.kind === 'disconnect' ? '' : `, for ${formatDuration(fault.durationUs)}`;
  return `${formatTime(fault.atUs)}  ${describeBody(fault)}${lasting}`;
}

/** What it does, without when. */
export function describeBody(fault: FaultBody): string {
  switch (fault.kind) {
    case 'partition': {
      const [group, rest] = [fault.group.join(' '), fault.rest.join(' ')];
      return fault.isOneWay
        ? `nothing passes from {${group}} to {${rest}}`
        : `{${group}} | {${rest}} are apart`;
    }
    case 'censor': {
      const by = fault.sender === undefined ? '' : ` by node ${fault.sender}`;
      const whose = `${fault.topic}s of ${fault.rounds} rounds${by} reach nobody but node ${fault.exempt}`;
      return fault.isMute ? `${whose}, which is mute` : whose;
    }
    case 'clog':
      return `link ${fault.from} -> ${fault.to} stalls`;
    case 'disconnect':
      return `connection ${fault.a} - ${fault.b} breaks`;
    case 'loss':
      return `${fault.permille / 10} % of messages are lost`;
    case 'duplication':
      return `${fault.permille / 10} % of messages come twice`;
    case 'reordering':
      return `${fault.permille / 10} % of messages are up to ${formatDuration(fault.maxUs)} late`;
    case 'skew':
      return `node ${fault.node}: clock jumps by ${fault.jumpMs} ms`;
    case 'drift':
      return `node ${fault.node}: clock drifts by ${fault.ppm} ppm`;
    case 'pause':
      return `node ${fault.node}: stands still`;
    case 'crash':
      return `node ${fault.node}: killed ${fault.atEffect === 0 ? 'at once' : `at its ${fault.atEffect}th effect`}`;
    case 'ambush':
      return `node ${fault.node}: killed at its ${fault.atEffect}th effect after a ${fault.cue}`;
    case 'foreign-disk':
      return `node ${fault.node}: killed and given the disk of node ${fault.owner}`;
    case 'disk-full':
      return `node ${fault.node}: disk full`;
    case 'slow-disk':
      return `node ${fault.node}: disk takes ${formatDuration(fault.latencyUs)} per operation`;
  }
}
