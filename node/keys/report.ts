import { basename } from 'node:path';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { printable } from '../terminal-text.js';
import type { KeyKind } from './key-file.js';
import { isWeakerThanStandard, type KdfParams } from './kdf.js';
import type { KeyList, Stored } from './keyring.js';

/** The public parts of a key, as `--json` prints them. */
export interface KeyReport {
  readonly kind: KeyKind;
  readonly file: string;
  /** Validator: BLS public key, 48 bytes. */
  readonly publicKey?: string;
  /** Account: EIP-55. */
  readonly address?: string;
  /** Node. */
  readonly peerId?: string;
  readonly id?: string;
  readonly path?: string;
  readonly description?: string;
  readonly proofOfPossession?: string;
  /** Secret: only for a key made from new words, and only where a person or --include-secrets asks for it. */
  readonly mnemonic?: string;
}

export function reportKey(key: Stored): KeyReport {
  const { kind, file } = key;
  switch (key.kind) {
    case 'validator': {
      const { publicKey, uuid, path, description } = key.keystore;
      return {
        kind,
        file,
        ...(publicKey === undefined ? {} : { publicKey: toHex(publicKey) }),
        id: uuid,
        ...(path === '' ? {} : { path }),
        ...(description === '' ? {} : { description }),
      };
    }
    case 'account': {
      const { address, id } = key.keystore;
      return { kind, file, ...(address === undefined ? {} : { address: toChecksumAddress(address) }), id };
    }
    case 'node':
      return { kind, file, peerId: key.identity.peerId };
  }
}

/** How a file protects its key; nothing that needs the password. */
export interface ProtectionReport {
  readonly format: string;
  readonly encrypted: boolean;
  readonly cipher?: string;
  readonly kdf?: KdfParams;
  readonly notes: readonly string[];
}

export function reportProtection(key: Stored): ProtectionReport {
  if (key.kind === 'node') {
    return {
      format: 'libp2p Ed25519 identity',
      encrypted: false,
      notes: ['not encrypted, so that the node can start unattended'],
    };
  }
  const format = key.kind === 'validator' ? 'EIP-2335 version 4' : 'Web3 Secret Storage version 3';
  const { kdf } = key.keystore.sealed;
  const notes: string[] = [];
  if (isWeakerThanStandard(kdf)) {
    notes.push('easier to guess than a standard keystore: strengthen it with ogpu keys change-password');
  }
  if (reportKey(key).publicKey === undefined && reportKey(key).address === undefined) {
    notes.push('names no public key or address: it can only be checked with its password');
  }
  return { format, encrypted: true, cipher: 'aes-128-ctr', kdf, notes };
}

/** `label  value` lines for people, one key. */
export function formatReport(report: KeyReport & Partial<ProtectionReport>): string {
  const { kdf, notes = [], ...plain } = report;
  const rows = Object.entries(plain).map(
    ([field, value]) => [LABELS[field] ?? field, String(value)] as const,
  );
  if (kdf !== undefined) rows.push(['kdf', formatKdf(kdf)]);
  for (const note of notes) rows.push(['note', note]);
  const width = Math.max(...rows.map(([label]) => label.length));
  return printableLines(rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`));
}

/** A line per key, and a line per file that is none. */
export function formatKeyList(folder: string, { keys, faults }: KeyList): string {
  const lines = keys.map((key) => {
    const report = reportKey(key);
    const name = report.publicKey ?? report.address ?? report.peerId ?? basename(report.file);
    const details = [report.path, report.description].filter((text) => text !== undefined);
    return [report.kind.padEnd('validator'.length), name, ...details].join('  ');
  });
  for (const { file, error } of faults) lines.push(`unusable   ${file}: ${error.message} [${error.code}]`);
  if (lines.length === 0) lines.push(`No keys in ${folder}. Make one with: ogpu keys new`);
  return printableLines(lines);
}

const LABELS: Readonly<Record<string, string>> = {
  publicKey: 'public key',
  peerId: 'peer id',
  proofOfPossession: 'proof of possession',
};

/** A file from elsewhere must not steer the terminal, nor add lines. */
function printableLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function formatKdf(kdf: KdfParams): string {
  return kdf.function === 'scrypt' ? `scrypt n=${kdf.n} r=${kdf.r} p=${kdf.p}` : `pbkdf2 c=${kdf.c}`;
}
