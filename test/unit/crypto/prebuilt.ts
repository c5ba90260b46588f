import { nativeBls } from '../../../protocol/crypto/bls.js';
import type { Loaded } from '../../../protocol/crypto/native.js';
import { nativeSecp256k1 } from '../../../protocol/crypto/secp256k1.js';
import { sszHasher } from '../../../protocol/ssz/hasher.js';

/** Where each native module comes prebuilt with its package, as `platform-arch`: there it must load. */
const PREBUILT = {
  secp256k1: ['darwin-arm64', 'linux-x64', 'win32-x64'],
  blst: ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'win32-x64'],
  hashtree: ['darwin-arm64', 'linux-arm64', 'linux-x64', 'win32-x64'],
} as const;

export type PrebuiltModule = keyof typeof PREBUILT;

/** Why each module did not load; undefined when it did. */
const MISSING_BECAUSE: Readonly<Record<PrebuiltModule, string | undefined>> = {
  secp256k1: failure(nativeSecp256k1),
  blst: failure(nativeBls),
  hashtree: sszHasher.fallbackReason,
};

/**
 * For the `skip` of a test that needs native modules: a reason where one did not load and no package promises that it
 * does. False where the test must run: they loaded, or the absence of one is the failure to find.
 */
export function skipWithout(...modules: readonly PrebuiltModule[]): string | false {
  const excuses = modules.map((module) =>
    excuse(module, MISSING_BECAUSE[module], `${process.platform}-${process.arch}`),
  );
  return excuses.find((reason) => reason !== false) ?? false;
}

/** `skipWithout` for one module on a given platform. */
export function excuse(
  module: PrebuiltModule,
  missingBecause: string | undefined,
  platform: string,
): string | false {
  const isPrebuilt = PREBUILT[module].some((known) => known === platform);
  if (missingBecause === undefined || isPrebuilt) return false;
  return `${module} is not prebuilt for ${platform}: ${missingBecause.split('\n')[0] ?? ''}`;
}

function failure(candidate: Loaded<unknown>): string | undefined {
  return candidate.ok ? undefined : candidate.reason;
}
