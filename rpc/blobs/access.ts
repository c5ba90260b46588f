import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../transport/admission.js';

export interface BlobAccess {
  /** Who may bring blobs: nobody, the operator, or everybody within a quota. */
  readonly uploads: 'off' | 'operator' | 'anyone';
  /** Who sends it is the operator. */
  readonly token?: string | undefined;
}

/** What a client may do with blobs. Whoever can reach the port may read what is here. */
export interface BlobRights {
  readonly mayUpload: boolean;
  /** Has this node fetch blobs from peers. */
  readonly mayFetch: boolean;
  /** Pins and collects. */
  readonly isOperator: boolean;
  /** Whose quota counts. */
  readonly uploader: string;
}

export function rightsOf(
  request: FastifyRequest,
  { uploads, token }: BlobAccess,
  isProxied: boolean,
): BlobRights {
  const isOperator = hasToken(request, token) || isLocal(request, isProxied);
  return {
    isOperator,
    mayUpload: uploads === 'anyone' || (uploads === 'operator' && isOperator),
    mayFetch: uploads === 'anyone' || isOperator,
    uploader: isOperator ? 'operator' : networkOf(request.ip),
  };
}

/**
 * A program of this machine. Not a page in a browser on it, which says so in its headers and may come from anywhere; not a name that somebody
 * has made lead here; and not what a proxy on this machine passes on, unless its word about clients is believed.
 */
function isLocal({ ip, headers, hostname }: FastifyRequest, isProxied: boolean): boolean {
  if (!isLoopback(ip)) return false;
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return false;
  if (!isProxied && FORWARDED.some((name) => headers[name] !== undefined)) return false;
  return hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;

function hasToken({ headers }: FastifyRequest, token: string | undefined): boolean {
  const [, sent] = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(headers.authorization ?? '') ?? [];
  if (token === undefined || sent === undefined) return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(sent), digest(token));
}

/** An address, of IPv6 the network that one customer has. */
function networkOf(ip: string): string {
  return isIP(ip) === 6 ? ip.split(':').slice(0, 4).join(':') : ip;
}
