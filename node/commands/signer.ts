import { access } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { Folder } from '../../consensus/disk/disk.js';
import { SignerError } from '../../consensus/signer/errors.js';
import {
  exportRecord,
  importRecord,
  MAX_DOCUMENT_LENGTH,
  parseDocument,
  type ImportOutcome,
} from '../../consensus/signer/interchange.js';
import { readRecord } from '../../consensus/signer/record-file.js';
import { loadGenesis } from '../../genesis/load.js';
import { fromHex, toHex } from '../../protocol/bytes.js';
import { BLS_PUBLIC_KEY_LENGTH } from '../../protocol/crypto/bls.js';
import { signerFolder } from '../data-folder.js';
import { openFolder } from '../disk/open-folder.js';
import { realDirectory } from '../disk/real-directory.js';
import { beginRecord } from '../signer-record.js';
import { printableLines, toJson, writeOutput } from '../terminal-text.js';

interface DataOption {
  readonly data: string;
}

interface ImportOptions extends DataOption {
  readonly json: boolean;
}

interface NewOptions extends DataOption {
  readonly genesis: string;
  readonly json: boolean;
}

/** `ogpu signer`: what a validator key signed last, to carry from a stopped node to another. */
export function signerCommand(): Command {
  return new Command('signer')
    .description('what a validator key signed last: begin it, carry it from one machine to another')
    .addCommand(
      new Command('new')
        .description('begin the record of a key that has never signed anything, here or elsewhere')
        .argument('<public key>', 'of the validator: 0x and 96 hex digits', publicKey)
        .requiredOption('--data <folder>', 'data folder of the node, which must not be running')
        .requiredOption('--genesis <file>', 'genesis document of the chain')
        .option('--json', 'print JSON', false)
        .action(newState),
    )
    .addCommand(
      new Command('export')
        .description('print what a key signed last, as JSON without secrets; stop the node for good first')
        .argument('<public key>', 'of the validator: 0x and 96 hex digits', publicKey)
        .requiredOption('--data <folder>', 'data folder of the node, which must not be running')
        .option('--json', 'errors in JSON too, as the answer is anyway', false)
        .action(exportState),
    )
    .addCommand(
      new Command('import')
        .description('take over what a key signed elsewhere; never lowers what is recorded here')
        .argument('<file>', 'as `ogpu signer export` printed it')
        .requiredOption('--data <folder>', 'data folder of the node, which must not be running')
        .option('--json', 'print JSON', false)
        .action(importState),
    );
}

async function newState(key: Uint8Array, { data, genesis, json }: NewOptions): Promise<void> {
  const { chainId, id } = await loadGenesis(genesis);
  await beginRecord(data, { chainId, genesisId: id, publicKey: key });
  const report = { publicKey: toHex(key), path: signerFolder(data, key) };
  await writeOutput(json ? toJson(report) : printableLines(`${report.publicKey}: nothing signed so far\n`));
}

async function exportState(key: Uint8Array, { data }: DataOption): Promise<void> {
  const path = signerFolder(data, key);
  const record = (await exists(path)) ? await withFolder(path, readRecord) : undefined;
  if (record === undefined) {
    throw new SignerError('SIGNER_RECORD_MISSING', 'this node has no record of the key', {
      path,
      cure: 'check the public key and the data folder',
    });
  }
  await writeOutput(toJson(exportRecord(record)));
}

async function importState(file: string, { data, json }: ImportOptions): Promise<void> {
  const imported = parseDocument(await readDocument(resolve(file)));
  const key = imported.identity.publicKey;
  const outcome = await withFolder(signerFolder(data, key), (folder) => importRecord(folder, imported));
  const report = { publicKey: toHex(key), outcome };
  await writeOutput(json ? toJson(report) : printableLines(`${report.publicKey}: ${OUTCOMES[outcome]}\n`));
}

const OUTCOMES: Readonly<Record<ImportOutcome, string>> = {
  created: 'the record was taken over',
  raised: 'the record here was raised to the imported one',
  kept: 'the record here is as high or higher and stays',
};

async function withFolder<T>(path: string, use: (folder: Folder) => Promise<T>): Promise<T> {
  const { folder, unlock } = await openFolder(path);
  return use(folder).finally(unlock);
}

async function readDocument(file: string): Promise<string> {
  const bytes = await realDirectory(dirname(file)).read(basename(file), MAX_DOCUMENT_LENGTH);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new SignerError('SIGNER_DOCUMENT_INVALID', 'there is no such file', { path: file });
}

function publicKey(text: string): Uint8Array {
  try {
    return fromHex(text, BLS_PUBLIC_KEY_LENGTH);
  } catch {
    throw new InvalidArgumentError('expected 0x and 96 hex digits.');
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
