import type { z } from 'zod';
import { MAX_VALIDATORS } from '../protocol/limits.js';
import { parseChainParams } from '../protocol/params-check.js';
import type { ChainParams } from '../protocol/params.js';
import {
  AllocationEntrySchema,
  MAX_ALLOCATIONS,
  MAX_SNAPSHOTS,
  SnapshotEntrySchema,
  ValidatorEntrySchema,
  type AllocationEntry,
  type SnapshotEntry,
  type ValidatorEntry,
} from './document.js';
import { parseFields } from './fields.js';

/** An entry of the document and its path. */
export interface Part<Value> {
  readonly path: string;
  readonly value: Value;
}

/**
 * What can be read of a document whatever else is wrong with it, so that checks of meaning can run, and report, beside
 * those of form.
 */
export interface DocumentParts {
  readonly chainId: number | undefined;
  readonly params: ChainParams | undefined;
  readonly validators: readonly Part<ValidatorEntry>[];
  readonly allocations: readonly Part<AllocationEntry>[];
  readonly snapshots: readonly Part<SnapshotEntry>[];
  /** Every allocation and snapshot could be read: sums over them mean something. */
  readonly balancesAreComplete: boolean;
}

export function readParts(json: unknown): DocumentParts {
  const fields = (typeof json === 'object' && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
  const params = parseChainParams(fields['params'], 'params');
  const validators = readList(fields['validators'], 'validators', MAX_VALIDATORS, ValidatorEntrySchema);
  const allocations = readList(fields['allocations'], 'allocations', MAX_ALLOCATIONS, AllocationEntrySchema);
  const snapshots = readList(fields['snapshots'], 'snapshots', MAX_SNAPSHOTS, SnapshotEntrySchema);
  return {
    chainId: typeof fields['chainId'] === 'number' ? fields['chainId'] : undefined,
    params: 'params' in params ? params.params : undefined,
    validators: validators.parts,
    allocations: allocations.parts,
    snapshots: snapshots.parts,
    balancesAreComplete: allocations.isComplete && snapshots.isComplete,
  };
}

function readList<Value>(
  json: unknown,
  name: string,
  maxLength: number,
  schema: z.ZodType<Value>,
): { parts: Part<Value>[]; isComplete: boolean } {
  const list: readonly unknown[] = Array.isArray(json) ? json : [];
  const parts = list.slice(0, maxLength).flatMap((item, index) => {
    const path = `${name}[${index}]`;
    const result = parseFields(schema, item, path);
    return 'value' in result ? [{ path, value: result.value }] : [];
  });
  return { parts, isComplete: Array.isArray(json) && parts.length === list.length };
}
