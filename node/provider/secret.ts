import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createSecretFile, readSecretFile, SecretFileError } from '../keys/secret-file.js';
import { ProviderError } from './provider-error.js';

const SECRET_BYTES = 32;

/**
 * What the keys of this provider's jobs are made from: made once, and the same after a crash.
 *
 * @throws SecretFileError; ProviderError PROVIDER_SECRET_DAMAGED
 */
export async function openSecret(folder: string): Promise<Uint8Array> {
  const path = join(folder, 'secret');
  try {
    return await readSecret(path);
  } catch (error) {
    if (!(error instanceof SecretFileError) || error.code !== 'SECRET_FILE_NOT_FOUND') throw error;
  }
  await createSecretFile(path, Uint8Array.from(randomBytes(SECRET_BYTES)));
  return readSecret(path);
}

async function readSecret(path: string): Promise<Uint8Array> {
  const bytes = await readSecretFile(path, SECRET_BYTES);
  if (bytes.length === SECRET_BYTES) return bytes;
  throw new ProviderError('PROVIDER_SECRET_DAMAGED', 'the secret of the provider is not of 32 bytes', {
    path,
    cure: 'restore it while jobs are under way: without it their results cannot be laid open; else delete it',
  });
}
