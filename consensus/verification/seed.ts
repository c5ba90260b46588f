import { subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { concatBytes } from '../../protocol/bytes.js';
import { domainHash } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import { uniformBelow, wordOfDigest } from '../../protocol/uniform.js';

/** H(audit-seed ‖ beacon ‖ job ‖ attempt ‖ round ‖ root): what is drawn hangs on the commitment and on a beacon that came after it. */
export function auditSeed(
  subject: AuditSubject,
  round: number,
  root: Uint8Array,
  beacon: Uint8Array,
): Uint8Array {
  invariant(beacon.length === 32 && root.length === 32, 'beacon and root are 32 bytes');
  return domainHash(
    subject.chainId,
    'audit-seed',
    concatBytes(beacon, subjectBytes(subject), Uint8Array.of(round), root),
  );
}

/** What a number is drawn for: two draws never share a label. */
export const DRAW_SEGMENT = 0;
export const DRAW_STEP = 1;
export const DRAW_SEAT = 2;

/** Numbers out of a seed, each by its label and therefore in any order. */
export interface Draws {
  /** Uniform in [0, bound). */
  below(bound: number, use: number, segment: number, place: number): number;
}

export function drawsOf(chainId: number, seed: Uint8Array): Draws {
  invariant(seed.length === 32, 'a seed is 32 bytes');
  return {
    below: (bound, use, segment, place) =>
      uniformBelow(bound, (attempt) => {
        const label = new Uint8Array(13);
        const view = new DataView(label.buffer);
        view.setUint8(0, use);
        view.setUint32(1, segment, true);
        view.setUint32(5, place, true);
        view.setUint32(9, attempt, true);
        return wordOfDigest(domainHash(chainId, 'audit-draw', seed, label));
      }),
  };
}
