import { setHasher, type Hasher } from '@chainsafe/persistent-merkle-tree';
import { hasher as nobleHasher } from '@chainsafe/persistent-merkle-tree/hasher/noble';

/**
 * Chooses the SHA-256 under every SSZ root: native `hashtree` where it loads, WebAssembly next, JavaScript last. The SSZ library looks the
 * hasher up at every call; only its table of zero hashes may have been made by the slow one before.
 */
async function chooseHasher(): Promise<{ hasher: Hasher; reason: string | undefined }> {
  let reason: string | undefined;
  if (typeof process !== 'undefined') {
    try {
      return { hasher: (await import('@chainsafe/persistent-merkle-tree/hasher/hashtree')).hasher, reason };
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  try {
    return { hasher: (await import('@chainsafe/persistent-merkle-tree/hasher/as-sha256')).hasher, reason };
  } catch {
    return { hasher: nobleHasher, reason };
  }
}

const chosen = await chooseHasher();
setHasher(chosen.hasher);

/** Name of the hasher in use, and why the native one did not load when it did not. */
export const sszHasher: { readonly name: string; readonly fallbackReason: string | undefined } = {
  name: chosen.hasher.name,
  fallbackReason: chosen.reason,
};
