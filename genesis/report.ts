import { toChecksumAddress } from '../protocol/address.js';
import { formatOgpu } from '../protocol/amounts.js';
import { toHex } from '../protocol/bytes.js';
import type { Fault } from '../protocol/faults.js';
import { totalWei } from './accounts.js';
import type { GenesisState } from './state.js';

/** A genesis in numbers, as `--json` prints it. */
export interface GenesisReport {
  readonly id: string;
  readonly chain: string;
  readonly chainId: number;
  readonly genesisTimeMs: number;
  readonly accounts: number;
  /** Add up to 21,000,000 OGPU. */
  readonly supply: { readonly accountsWei: string; readonly stakedWei: string; readonly reserveWei: string };
  readonly validators: readonly {
    readonly name: string;
    readonly owner: string;
    readonly stakeWei: string;
  }[];
  /** What was written, when something was. */
  readonly files?: readonly string[];
}

export function reportGenesis(state: GenesisState): GenesisReport {
  return {
    id: toHex(state.id),
    chain: state.chain,
    chainId: state.chainId,
    genesisTimeMs: state.genesisTimeMs,
    accounts: state.accounts.length,
    supply: {
      accountsWei: totalWei(state.accounts).toString(),
      stakedWei: state.stakedWei.toString(),
      reserveWei: state.reserveWei.toString(),
    },
    validators: state.validators.map(({ name, owner, stakeWei }) => ({
      name,
      owner: toChecksumAddress(owner),
      stakeWei: stakeWei.toString(),
    })),
  };
}

export function formatGenesis({ supply, validators, files = [], ...report }: GenesisReport): string {
  const rows: readonly (readonly [string, string])[] = [
    ...files.map((file) => ['file', file] as const),
    ['genesis id', report.id],
    ['chain', `${report.chain}, chain id ${report.chainId}`],
    ['starts', new Date(report.genesisTimeMs).toISOString()],
    ['accounts', `${ogpu(supply.accountsWei)} in ${report.accounts.toLocaleString('en-GB')} accounts`],
    ['staked', `${ogpu(supply.stakedWei)} by ${validators.length} validators`],
    ['reserve', ogpu(supply.reserveWei)],
    ...validators.map(
      ({ name, owner, stakeWei }) => ['validator', `${ogpu(stakeWei)}  ${owner}  ${name}`] as const,
    ),
  ];
  return rows.map(([label, value]) => `${label.padEnd('genesis id'.length)}  ${value}\n`).join('');
}

const MAX_LINE_CHARACTERS = 500;

/** One fault a line; what a hostile document put into it cannot move the cursor of a terminal. */
export function formatFaults(faults: readonly Fault[], faultCount: number): string {
  const lines = faults.map(({ path, code, message }) => {
    const text = `${path}: ${message}`.replace(/\p{Cc}/gu, ' ').slice(0, MAX_LINE_CHARACTERS);
    return `${text} [${code}]\n`;
  });
  if (faultCount > faults.length) lines.push(`and ${faultCount - faults.length} more\n`);
  return lines.join('');
}

function ogpu(amountWei: string): string {
  return `${formatOgpu(BigInt(amountWei))} OGPU`;
}
