import { createHmac } from 'node:crypto';
import { subjectBytes, type AuditSubject } from '../../protocol/audit/commitment.js';
import { invariant } from '../../protocol/invariant.js';

/**
 * The secret behind an attempt's salts: the same after a crash, and known to nobody who does not have the provider's secret.
 *
 * @param secret 32 bytes, used for nothing else
 * @returns 32 bytes
 */
export function jobKeyOf(secret: Uint8Array, subject: AuditSubject): Uint8Array {
  invariant(secret.length === 32, 'a secret of 32 bytes');
  const mac = createHmac('sha256', secret).update('ogpu job key').update(String(subject.chainId)).update(':');
  return Uint8Array.from(mac.update(subjectBytes(subject)).digest());
}
