import { decodeAbi } from '../../protocol/abi/decode.js';
import { AbiError, type AbiParameter, type AbiValue } from '../../protocol/abi/types.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { formatOgpu } from '../../protocol/amounts.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { MODULES } from '../../state/modules/index.js';

/** Why a module has undone a call. */
export interface RevertReason {
  /** Of the error in the module's interface; undefined where no module has such an error. */
  readonly name: string | undefined;
  /** By the names of the interface, for scripts: amounts in wei. */
  readonly values: Readonly<Record<string, string | boolean>>;
  /** Reason and cure in one sentence, with amounts in OGPU and times as people write them. */
  readonly text: string;
}

/** What revert data says, by the interfaces of the chain's modules. */
export function explainRevert(data: Uint8Array): RevertReason {
  const selector = data.subarray(0, 4);
  for (const module of MODULES) {
    const error = module.errors.find((candidate) => bytesEqual(candidate.selector, selector));
    if (error === undefined) continue;
    const values = decoded(() => decodeAbi(error.inputs, data.subarray(4)));
    if (values === undefined) break;
    const named = error.item.inputs.map((input, index) => [input, values[index] ?? false] as const);
    const details = named
      .map(([input, value]) => `${wordsOf(input.name)} ${forPeople(input, value)}`)
      .join(', ');
    return {
      name: error.item.name,
      values: Object.fromEntries(named.map(([input, value]) => [input.name, forScripts(input, value)])),
      text: `${withoutUnits(error.notice)}${details === '' ? '' : ` (${details})`}`,
    };
  }
  return {
    name: undefined,
    values: { revertData: toHex(data) },
    text: 'the call was undone for a reason this software does not know',
  };
}

/** The values that follow have units of their own. */
function withoutUnits(notice: string): string {
  return notice.replace(/,? in (?:wei|Unix milliseconds)\b/g, '');
}

function decoded(decode: () => AbiValue[]): AbiValue[] | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof AbiError) return undefined;
    throw error;
  }
}

function forScripts({ type }: AbiParameter, value: AbiValue): string | boolean {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return type === 'address' ? toChecksumAddress(value) : toHex(value);
  return JSON.stringify(value.map((item) => forScripts({ name: '', type: '' }, item)));
}

function forPeople(input: AbiParameter, value: AbiValue): string {
  if (typeof value !== 'bigint') return String(forScripts(input, value));
  if (input.name.endsWith('Wei')) return `${formatOgpu(value)} OGPU`;
  if (input.name.endsWith('Bps')) return `${Number(value) / 100} %`;
  if (input.name.endsWith('Ms')) return formatTime(Number(value));
  return value.toString();
}

/** `requestedWei` → "requested". */
function wordsOf(name: string): string {
  return name
    .replace(/(?:Wei|Bps|Ms)$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
}

function formatTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}
