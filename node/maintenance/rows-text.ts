import type { Row } from './export-rows.js';

export const ROW_FORMATS = ['ndjson', 'csv'] as const;
export type RowFormat = (typeof ROW_FORMATS)[number];

/** Characters after which what has gathered is handed on. */
const CHUNK_CHARACTERS = 65_536;

/** Rows as text, in pieces of some size; never more of it in memory. CSV is RFC 4180 with a header, and CR LF. */
export async function* rowsText(rows: AsyncIterable<Row>, format: RowFormat): AsyncGenerator<string> {
  let text = '';
  let isFirst = true;
  for await (const row of rows) {
    if (format === 'ndjson') text += `${JSON.stringify(row)}\n`;
    else text += `${isFirst ? csvLine(Object.keys(row)) : ''}${csvLine(Object.values(row))}`;
    isFirst = false;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map((cell) => csvCell(cell === null ? '' : String(cell))).join(',')}\r\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
