import { cryptoBackends } from '../protocol/crypto/backends.js';
import { sszHasher } from '../protocol/ssz/hasher.js';

/** One line for each fast library that did not load here: a node on a slow path must say so. */
export function slowPathWarnings(): string[] {
  const crypto = cryptoBackends().flatMap(({ primitive, library, slowBecause }) =>
    slowBecause === undefined ? [] : [`${primitive} runs on ${library}, many times slower: ${slowBecause}`],
  );
  const { name, fallbackReason } = sszHasher;
  return fallbackReason === undefined
    ? crypto
    : [...crypto, `SSZ roots run on ${name}, slower: ${fallbackReason}`];
}
