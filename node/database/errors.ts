import { StoreError } from '../../state/store/errors.js';

/** Why LevelDB did not open. It wraps the reason once. */
export function openError(path: string, error: unknown): StoreError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const reason = messageOf(cause);
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new StoreError(
        'STORE_LOCKED',
        'the database is open in another process',
        { path, cure: 'stop the other node first; two nodes never share a data folder' },
        { cause },
      );
    case 'LEVEL_CORRUPTION':
      return corrupt(path, reason, cause);
    default:
      return new StoreError(
        'STORE_OPEN_FAILED',
        `cannot open the database: ${reason}`,
        { path, cure: 'check the disk, its free space and the permissions of the folder' },
        { cause },
      );
  }
}

export function corrupt(path: string, reason: string, cause?: unknown): StoreError {
  return new StoreError(
    'STORE_CORRUPT',
    `the database is damaged: ${reason}`,
    { path, cure: 'check the disk; restore a backup, or move the folder away and sync again' },
    { cause },
  );
}

export function readError(path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  switch (codeOf(cause)) {
    case 'LEVEL_CORRUPTION':
      return corrupt(path, messageOf(cause), cause);
    case 'LEVEL_DATABASE_NOT_OPEN':
    case 'LEVEL_ITERATOR_NOT_OPEN':
      return closedError();
    default:
      return new StoreError('STORE_READ_FAILED', `cannot read: ${messageOf(cause)}`, { path }, { cause });
  }
}

export function writeError(path: string, cause: unknown): StoreError {
  return new StoreError(
    'STORE_WRITE_FAILED',
    `cannot write: ${messageOf(cause)}`,
    { path, cure: 'free space on the disk or mend it, then start the node again' },
    { cause },
  );
}

export function closedError(): StoreError {
  return new StoreError('STORE_CLOSED', 'the store is closed');
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
