import { z } from 'zod';
import { KeystoreError } from './keystore-error.js';

const MAX_FAULTS = 16;

/** Bytes as hex digits of either case; the standards write no 0x, some tools do. */
export function hexBytes(minLength: number, maxLength = minLength): z.ZodType<Uint8Array> {
  const size = minLength === maxLength ? `${minLength}` : `${minLength} to ${maxLength}`;
  return z
    .string()
    .regex(
      new RegExp(`^(?:0x)?(?:[0-9a-fA-F]{2}){${minLength},${maxLength}}$`),
      `expected ${size} bytes in hex`,
    )
    .transform((text) => Uint8Array.from(Buffer.from(text.replace(/^0x/, ''), 'hex')));
}

export function bareHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Loose about version and variant: the vectors of Web3 Secret Storage have ids that RFC 4122 forbids. */
export const uuidText = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'expected a UUID');

/** Range checks are the KDF's own (`checkKdfBounds`), so that a hostile keystore has a code of its own. */
export const scryptFields = {
  n: z.number(),
  r: z.number(),
  p: z.number(),
  dklen: z.literal(32),
  salt: hexBytes(1, 64),
};
export const pbkdf2Fields = {
  c: z.number(),
  prf: z.literal('hmac-sha256'),
  dklen: z.literal(32),
  salt: hexBytes(1, 64),
};

/**
 * The value as `schema` has it.
 *
 * @param format name of the format, for the message
 * @throws KeystoreError KEYSTORE_INVALID with every fault: where and what, never the value
 */
export function parseFields<Output>(schema: z.ZodType<Output>, value: unknown, format: string): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, MAX_FAULTS).map((issue) => ({
    field: issue.path.map(String).join('.'),
    problem: issue.message,
  }));
  const fields = faults.map(({ field }) => field || 'the file').join(', ');
  throw new KeystoreError('KEYSTORE_INVALID', `not a valid ${format} file: ${fields}`, {
    faults,
    cure: 'the file is damaged or was edited: restore it from a backup',
  });
}

/** @throws KeystoreError with `code` unless `received` is one of `supported` */
export function requireSupported(
  code:
    | 'KEYSTORE_VERSION_UNSUPPORTED'
    | 'KEYSTORE_KDF_UNSUPPORTED'
    | 'KEYSTORE_CIPHER_UNSUPPORTED'
    | 'KEYSTORE_CHECKSUM_UNSUPPORTED',
  what: string,
  received: string | number,
  supported: readonly (string | number)[],
): void {
  if (supported.includes(received)) return;
  const shown = String(received).slice(0, 40);
  throw new KeystoreError(code, `unsupported ${what} ${shown}; supported: ${supported.join(', ')}`, {
    received: shown,
    supported,
    cure: 're-encrypt the key in a supported way with the tool that made it',
  });
}
