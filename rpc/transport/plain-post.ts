/** The head of a plain request, for the next one of the connection: clients send the same again and again. */
export interface PlainHead {
  readonly text: string;
  readonly bodyBytes: number;
}

export interface PlainPost {
  readonly head: PlainHead;
  readonly body: string;
}

const MAX_HEAD_BYTES = 4_096;
const HEAD_END = '\r\n\r\n';
const REQUEST_LINE = 'POST / HTTP/1.1\r\n';
/** A header as everybody writes it: printable ASCII, not folded, nothing between name and colon. */
const HEADER = /^([A-Za-z-]+):[ ]?([\x20-\x7e]*)$/;
/** Headers that make no difference to the answer, whatever they say; `sec-` ones are what browsers say of the page. */
const WITHOUT_EFFECT =
  /^(?:user-agent|accept|accept-encoding|accept-language|cache-control|pragma|dnt|origin|referer|priority|sec-[a-z-]+)$/;

/**
 * Reads a piece of a connection that is one whole request of the plain form. Undefined for anything else – other methods and paths, bodies
 * in pieces or chunks, headers unknown, doubled or strange – which is for a general parser to judge. It must never read a request
 * differently from one.
 *
 * @param last the head of the request before, where there was one
 */
export function readPlainPost(piece: Buffer, maxBodyBytes: number, last?: PlainHead): PlainPost | undefined {
  const headEnd = piece.indexOf(HEAD_END);
  if (headEnd < 0 || headEnd > MAX_HEAD_BYTES) return undefined;
  const text = piece.toString('latin1', 0, headEnd);
  const head = last?.text === text ? last : readHead(text);
  if (head === undefined || head.bodyBytes > maxBodyBytes) return undefined;
  const bodyStart = headEnd + HEAD_END.length;
  if (piece.length !== bodyStart + head.bodyBytes) return undefined;
  return { head, body: piece.toString('utf8', bodyStart) };
}

function readHead(text: string): PlainHead | undefined {
  if (!text.startsWith(REQUEST_LINE)) return undefined;
  const seen = new Map<string, string>();
  for (const line of text.slice(REQUEST_LINE.length).split('\r\n')) {
    const [, given = '', value = ''] = HEADER.exec(line) ?? [];
    const name = given.toLowerCase();
    if (name === '' || seen.has(name) || !isPlain(name, value)) return undefined;
    seen.set(name, value);
  }
  const length = seen.get('content-length');
  if (!seen.has('host') || !seen.has('content-type') || length === undefined) return undefined;
  return { text, bodyBytes: Number(length) };
}

function isPlain(name: string, value: string): boolean {
  switch (name) {
    case 'host':
      return /^[A-Za-z0-9.:[\]-]+$/.test(value);
    case 'content-length':
      return /^(?:0|[1-9][0-9]{0,8})$/.test(value);
    case 'content-type':
      return /^application\/json(?:; ?charset=utf-8)?$/i.test(value);
    case 'connection':
      return value.toLowerCase() === 'keep-alive';
    default:
      return WITHOUT_EFFECT.test(name);
  }
}
