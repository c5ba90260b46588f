import type { BlobDesk } from '../../rpc/backend.js';
import type { BlobService } from './service.js';

/** The blobs of a node, as clients are served with them. */
export function blobDesk(service: BlobService): BlobDesk {
  return {
    maxBlobBytes: service.limits.maxBlobBytes,
    status: (id) => service.status(id),
    store: (source) => service.write(source),
    open: (id) => service.read(id),
    obtain: (id, signal) => service.obtain(id, { signal }),
    pin: (id) => service.pin(id, { kind: 'operator' }),
    unpin: (id) => service.unpin(id, { kind: 'operator' }),
    collect: (idleMs) => service.collect(idleMs),
  };
}
