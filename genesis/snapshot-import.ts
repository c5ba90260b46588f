import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse, type Info } from 'csv-parse';
import { parseAddress, toChecksumAddress } from '../protocol/address.js';
import { parseAmountWei, TOTAL_SUPPLY_WEI } from '../protocol/amounts.js';
import { OgpuError } from '../protocol/errors.js';
import {
  AccountTableBuilder,
  dropEmpty,
  isZeroAddress,
  MAX_TABLE_ACCOUNTS,
  type AccountTable,
} from './accounts.js';
import { FaultLog } from './faults.js';

/** Header of the form this project writes; see `canonicalCsv`. */
export const CANONICAL_HEADER = 'address,balanceWei';

/** Bytes of one row: an address, a balance and their quotes with room to spare. */
const MAX_ROW_BYTES = 512;
const MAX_SHOWN_CHARACTERS = 80;
const PROGRESS_ROWS = 10_000;

export interface SnapshotOptions {
  /** Name of the file in faults. */
  readonly name: string;
  /** Digits after the point that make one unit: 0 when balances are in wei, 18 for an export in whole tokens. */
  readonly decimals: number;
  /** Called with the number of rows read so far, now and then. */
  readonly onProgress?: (rows: number) => void;
}

export interface Snapshot {
  readonly accounts: AccountTable;
  readonly totalWei: bigint;
  /** Rows after the header, those with a zero balance included. */
  readonly rows: number;
  /** Rows left out because their balance is zero. */
  readonly zeroBalances: number;
}

/**
 * Reads the holders of an ERC-20 token from CSV (RFC 4180, UTF-8, optional BOM, any line ending) with the header
 * `address,balance`, or `address,balanceWei` when decimals is 0.
 *
 * Streams the rows; memory is that of the {@link AccountTable}. Addresses may be lower case or carry a right EIP-55 checksum.
 *
 * Faults, each at `name:line`: CSV_ENCODING (nothing is read then), CSV_MALFORMED (ends the reading), HEADER_INVALID, ROW_COLUMNS, ADDRESS_*, ADDRESS_ZERO, AMOUNT_*,
 * HOLDER_DUPLICATE, TOTAL_ABOVE_SUPPLY, HOLDERS_TOO_MANY, SNAPSHOT_EMPTY.
 *
 * @throws GenesisError GENESIS_INVALID with all faults
 */
export async function importSnapshot(
  source: AsyncIterable<Uint8Array>,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const log = new FaultLog();
  const rows = new SnapshotRows(options, log);
  const parser = parse({
    bom: true,
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error instanceof CsvError) rows.stop(error);
    },
  });
  await pipeline(
    Readable.from(whileReadable(source, rows)),
    parser,
    async (records: AsyncIterable<ParsedRow>) => {
      for await (const { record, info } of records) rows.add(record, info.lines);
    },
  );
  const snapshot = rows.finish();
  log.throwIfAny(options.name);
  return snapshot;
}

/** Drops, but still reads to the end, what follows a syntax error: a caller may be hashing the source. */
async function* whileReadable(
  source: AsyncIterable<Uint8Array>,
  rows: SnapshotRows,
): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of source) {
    if (isFirst && isUtf16(chunk)) rows.refuseEncoding();
    isFirst = false;
    if (!rows.isStopped) yield chunk;
  }
}

/** By its byte order mark, U+FEFF; the parser would otherwise read it, and other programs would not. */
function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** What csv-parse yields with `info: true`. */
interface ParsedRow {
  readonly record: readonly string[];
  readonly info: Info;
}

/** Checks rows one by one and gathers the good ones. */
class SnapshotRows {
  readonly #options: SnapshotOptions;
  readonly #log: FaultLog;
  readonly #accounts = new AccountTableBuilder();
  #headerSeen = false;
  #malformed: { readonly line: number; readonly code: string; readonly message: string } | undefined;
  #rows = 0;
  #zeroBalances = 0;
  #totalWei = 0n;

  constructor(options: SnapshotOptions, log: FaultLog) {
    this.#options = options;
    this.#log = log;
  }

  get isStopped(): boolean {
    return this.#malformed !== undefined;
  }

  /** Where a row ends is unknown after a syntax error: nothing that follows the first is judged. */
  stop(error: CsvError): void {
    this.#malformed ??= { line: Number(error['lines']), code: 'CSV_MALFORMED', message: error.message };
  }

  refuseEncoding(): void {
    this.#malformed = { line: 1, code: 'CSV_ENCODING', message: 'is UTF-16: save it as UTF-8' };
  }

  /** Rows may arrive after the error that follows them: the parser works ahead. */
  add(record: readonly string[], line: number): void {
    if (this.#malformed !== undefined && line >= this.#malformed.line) return;
    if (!this.#headerSeen) {
      this.#headerSeen = true;
      this.#checkHeader(record, line);
      return;
    }
    this.#rows++;
    if (this.#rows % PROGRESS_ROWS === 0) this.#options.onProgress?.(this.#rows);
    const [address, balance] = record;
    if (record.length !== 2 || address === undefined || balance === undefined) {
      this.#fault(line, 'ROW_COLUMNS', `expected 2 columns, got ${record.length}`);
      return;
    }
    this.#addHolder(address, balance, line);
  }

  finish(): Snapshot {
    const { name } = this.#options;
    if (this.#malformed !== undefined) {
      this.#fault(this.#malformed.line, this.#malformed.code, this.#malformed.message);
    }
    const holders = this.#accounts.build(({ address, origins: [first, second] }) => {
      const holder = toChecksumAddress(address);
      this.#fault(second, 'HOLDER_DUPLICATE', `${holder} is already on line ${first}`);
    });
    const accounts = dropEmpty(holders);
    if (this.#log.count === 0 && accounts.length === 0) {
      this.#log.add(name, 'SNAPSHOT_EMPTY', 'no holder with a balance');
    }
    return { accounts, totalWei: this.#totalWei, rows: this.#rows, zeroBalances: this.#zeroBalances };
  }

  #checkHeader(record: readonly string[], line: number): void {
    const header = record.join(',');
    const isKnown =
      header === 'address,balance' || (header === CANONICAL_HEADER && this.#options.decimals === 0);
    if (isKnown && record.length === 2) return;
    const expected = `expected the header address,balance in two columns (or ${CANONICAL_HEADER} with 0 decimals)`;
    this.#fault(line, 'HEADER_INVALID', `${expected}, got ${shown(header)}`);
  }

  #addHolder(addressText: string, balanceText: string, line: number): void {
    const address = this.#check(line, addressText, () => parseAddress(addressText));
    const balanceWei = this.#check(line, balanceText, () =>
      parseAmountWei(balanceText, this.#options.decimals),
    );
    if (address === undefined || balanceWei === undefined) return;
    if (isZeroAddress(address)) {
      this.#fault(
        line,
        'ADDRESS_ZERO',
        `nobody holds the key of the zero address: drop the row, its balance joins the reserve`,
      );
    } else if (this.#accounts.length === MAX_TABLE_ACCOUNTS) {
      this.#fault(line, 'HOLDERS_TOO_MANY', `more than ${MAX_TABLE_ACCOUNTS} holders`);
    } else {
      if (balanceWei === 0n) this.#zeroBalances++;
      this.#addBalance(balanceWei, line);
      this.#accounts.add(address, balanceWei, line);
    }
  }

  #addBalance(balanceWei: bigint, line: number): void {
    const wasWithin = this.#totalWei <= TOTAL_SUPPLY_WEI;
    this.#totalWei += balanceWei;
    if (wasWithin && this.#totalWei > TOTAL_SUPPLY_WEI) {
      this.#fault(
        line,
        'TOTAL_ABOVE_SUPPLY',
        'from this row on, the balances add up to more than 21,000,000 OGPU',
      );
    }
  }

  #check<Value>(line: number, text: string, parseValue: () => Value): Value | undefined {
    try {
      return parseValue();
    } catch (error) {
      if (!(error instanceof OgpuError)) throw error;
      this.#fault(line, String(error.code), `${error.message}: ${shown(text)}`);
      return undefined;
    }
  }

  #fault(line: number, code: string, message: string): void {
    this.#log.add(`${this.#options.name}:${line}`, code, message);
  }
}

/** Quoted and cut, so that a fault can be printed whatever the file holds. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS));
}
