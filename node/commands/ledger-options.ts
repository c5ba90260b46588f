import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DOCUMENT_FILE } from '../../genesis/create.js';
import { genesisFolder } from '../data-folder.js';
import type { LedgerSource } from '../diagnosis/open-ledger.js';
import type { JsonOption } from './command-context.js';

export interface LedgerCommandOptions extends JsonOption {
  readonly data: string;
  readonly genesis?: string;
}

/** Options of a command that works on the ledger of a stopped node. */
export function ledgerOptions(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the node, which must not be running', join(homedir(), '.ogpu'))
    .option('--genesis <file>', 'genesis.json of its chain; otherwise the one in the data folder')
    .option('--json', 'print JSON', false);
}

export function ledgerSource({ data, genesis }: LedgerCommandOptions): LedgerSource {
  return { data, genesis: genesis ?? join(genesisFolder(data), DOCUMENT_FILE) };
}
