import { fromHex, toHex } from '../../protocol/bytes.js';
import { MAX_EXTENSION_BYTES } from '../../protocol/limits.js';
import type { Folder } from '../disk/disk.js';
import { SignerError } from './errors.js';
import { foreign, readRecord, writeRecord } from './record-file.js';
import {
  comparePlaces,
  describePlace,
  PRECOMMIT_STEP,
  sameIdentity,
  sameStep,
  STEP_NAMES,
  stepData,
  type SignedStep,
  type SignerRecord,
} from './record.js';

/**
 * What a key signed last, as a document to carry from one machine to another; in the spirit of EIP-3076. It holds no secret, but
 * it is only true as long as the machine it comes from signs no more.
 */
export interface SignerDocument {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly chainId: number;
  readonly genesisId: string;
  readonly publicKey: string;
  /** Null when the key never signed. */
  readonly last: SignedStepDocument | null;
}

interface SignedStepDocument {
  readonly height: number;
  readonly round: number;
  readonly step: string;
  readonly signBytes: string;
  readonly extension: { readonly content: string; readonly signBytes: string } | null;
}

export function exportRecord({ identity, last }: SignerRecord): SignerDocument {
  return {
    format: FORMAT,
    version: VERSION,
    chainId: identity.chainId,
    genesisId: toHex(identity.genesisId),
    publicKey: toHex(identity.publicKey),
    last: last === undefined ? null : exportStep(last),
  };
}

/** What an import did to the record of a folder: it was made, raised, or already as high. */
export type ImportOutcome = 'created' | 'raised' | 'kept';

/**
 * Takes over what a key signed elsewhere. A record is never lowered: where it is higher than the document it stays.
 *
 * @throws SignerError SIGNER_RECORD_FOREIGN | SIGNER_CONFLICT when the key signed two different things for one step, with
 * nothing changed | SIGNER_RECORD_CORRUPT | SIGNER_RECORD_MISSING | SIGNER_RECORD_VERSION
 * @throws DiskError
 */
export async function importRecord(folder: Folder, imported: SignerRecord): Promise<ImportOutcome> {
  const own = await readRecord(folder);
  if (own !== undefined && !sameIdentity(own.identity, imported.identity)) {
    throw foreign(own.identity, imported.identity);
  }
  const outcome = own === undefined ? 'created' : isHigher(imported, own) ? 'raised' : 'kept';
  if (outcome !== 'kept') await writeRecord(folder, imported);
  return outcome;
}

/** @throws SignerError SIGNER_DOCUMENT_INVALID */
export function parseDocument(text: string): SignerRecord {
  const document = fieldsOf('document', parseJson(text), DOCUMENT_FIELDS);
  if (document.format !== FORMAT) throw invalid('format', `is not ${FORMAT}`);
  if (document.version !== VERSION) throw invalid('version', `is not ${VERSION}`);
  return {
    identity: {
      chainId: integer('chainId', document.chainId),
      genesisId: bytes('genesisId', document.genesisId, 32),
      publicKey: bytes('publicKey', document.publicKey, 48),
    },
    last: document.last === null ? undefined : parseStep(document.last),
  };
}

/** Characters of a document: a record in hex, and room. */
export const MAX_DOCUMENT_LENGTH = 16_384;
const FORMAT = 'ogpu-signer-state';
const VERSION = 1;
const DOCUMENT_FIELDS = ['format', 'version', 'chainId', 'genesisId', 'publicKey', 'last'];
const STEP_FIELDS = ['height', 'round', 'step', 'signBytes', 'extension'];
const EXTENSION_FIELDS = ['content', 'signBytes'];

function exportStep({
  height,
  round,
  step,
  signBytes,
  extension: [extension],
}: SignedStep): SignedStepDocument {
  return {
    height,
    round,
    step: STEP_NAMES[step] ?? String(step),
    signBytes: toHex(signBytes),
    extension:
      extension === undefined
        ? null
        : { content: toHex(extension.content), signBytes: toHex(extension.signBytes) },
  };
}

/** @throws SignerError SIGNER_CONFLICT */
function isHigher({ last: imported }: SignerRecord, { last: own }: SignerRecord): boolean {
  if (imported === undefined) return false;
  const order = own === undefined ? 1 : comparePlaces(imported, own);
  if (own !== undefined && order === 0 && !sameStep(imported, own)) {
    throw new SignerError(
      'SIGNER_CONFLICT',
      `the ${describePlace(own)} was signed with other bytes elsewhere`,
      {
        own: stepData(own),
        imported: stepData(imported),
        cure: 'this key has signed on two machines and may be slashed: stop both, and rotate to a new key',
      },
    );
  }
  return order > 0;
}

function parseStep(value: unknown): SignedStep {
  const fields = fieldsOf('last', value, STEP_FIELDS);
  const [step] = Object.entries(STEP_NAMES).find(([, name]) => name === fields.step) ?? [];
  if (step === undefined) throw invalid('last.step', 'is no step');
  const round = integer('last.round', fields.round);
  if (round >= 2 ** 32) throw invalid('last.round', 'is too large');
  if (fields.extension !== null && Number(step) !== PRECOMMIT_STEP) {
    throw invalid('last.extension', 'belongs to a precommit only');
  }
  return {
    height: integer('last.height', fields.height),
    round,
    step: Number(step),
    signBytes: bytes('last.signBytes', fields.signBytes, 32),
    extension: fields.extension === null ? [] : [parseExtension(fields.extension)],
  };
}

function parseExtension(value: unknown): SignedStep['extension'][number] {
  const fields = fieldsOf('last.extension', value, EXTENSION_FIELDS);
  const content = bytes('last.extension.content', fields.content);
  if (content.length > MAX_EXTENSION_BYTES) throw invalid('last.extension.content', 'is too long');
  return { content, signBytes: bytes('last.extension.signBytes', fields.signBytes, 32) };
}

function parseJson(text: string): unknown {
  if (text.length > MAX_DOCUMENT_LENGTH) throw invalid('document', 'is too long');
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('document', 'is not JSON');
  }
}

function fieldsOf(at: string, value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalid(at, 'is no object');
  const found: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(value));
  const unknown = Object.keys(found).find((key) => !fields.includes(key));
  if (unknown !== undefined) throw invalid(at, `has the unknown field ${unknown.slice(0, 40)}`);
  const absent = fields.find((field) => !Object.hasOwn(found, field));
  if (absent !== undefined) throw invalid(at, `lacks the field ${absent}`);
  return found;
}

function integer(at: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(at, 'is no whole number');
}

function bytes(at: string, value: unknown, length?: number): Uint8Array {
  if (typeof value !== 'string') throw invalid(at, 'is no hex text');
  try {
    return fromHex(value, length);
  } catch {
    throw invalid(at, length === undefined ? 'is not hex' : `is not ${length} bytes in hex`);
  }
}

function invalid(at: string, problem: string): SignerError {
  return new SignerError('SIGNER_DOCUMENT_INVALID', `signer state: ${at} ${problem}`, {
    at,
    cure: 'import the document as ogpu signer export wrote it',
  });
}
