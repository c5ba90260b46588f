import { constants } from 'node:fs';
import { lstat, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OgpuError } from '../../protocol/errors.js';
import { createFile, makeFolder, PRIVATE_FILE_MODE, replaceFile } from '../disk/atomic-file.js';

/** Secret files and the folders that hold them, always with `path` and the `cure` in the error's data. */
export class SecretFileError extends OgpuError<
  | 'SECRET_FILE_NOT_FOUND'
  | 'SECRET_FILE_UNREADABLE'
  | 'SECRET_FILE_SYMLINK'
  | 'SECRET_FILE_NOT_REGULAR'
  | 'SECRET_FILE_OWNER'
  | 'SECRET_FILE_PERMISSIONS'
  | 'SECRET_FILE_TOO_LARGE'
  | 'SECRET_FILE_EXISTS'
  | 'SECRET_FILE_FOLDER'
  | 'SECRET_FILE_IO'
> {}

const GROUP_AND_WORLD = 0o077;

/** Far above any keystore, mnemonic or password; a device or a huge file must not be read into memory. */
export const MAX_SECRET_FILE_BYTES = 64 * 1024;

/**
 * Bytes of a file that only its owner can reach.
 *
 * The checks are made on the opened file, so it cannot be swapped between check and read. Refused: a symbolic link as
 * the last part of the path (it could be pointed elsewhere), anything but a regular file, a file of another user (who
 * could read it too), and any permission for group or world.
 *
 * @throws SecretFileError SECRET_FILE_NOT_FOUND | SECRET_FILE_UNREADABLE | SECRET_FILE_SYMLINK |
 * SECRET_FILE_NOT_REGULAR | SECRET_FILE_OWNER | SECRET_FILE_PERMISSIONS | SECRET_FILE_TOO_LARGE | SECRET_FILE_IO
 */
export async function readSecretFile(path: string, maxBytes = MAX_SECRET_FILE_BYTES): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer for ever.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((cause: unknown) => {
    throw openError(path, cause);
  });
  try {
    await checkPrivate(file, path);
    return await readAtMost(file, path, maxBytes);
  } catch (error) {
    throw error instanceof SecretFileError ? error : ioError('read', path, error);
  } finally {
    await file.close();
  }
}

/**
 * Creates a secret file and never replaces one: the complete, synced file appears under its name in one step, or not at
 * all. The folder is made (0700) where it is missing; all entries are synced too.
 *
 * @throws SecretFileError SECRET_FILE_EXISTS | SECRET_FILE_FOLDER | SECRET_FILE_IO
 */
export async function createSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await ensureSecretFolder(dirname(path));
  await createFile(path, bytes, PRIVATE_FILE_MODE).catch((cause: unknown) => {
    throw errnoOf(cause) === 'EEXIST' ? existsError(path) : ioError('write', path, cause);
  });
}

/**
 * Checks before other work that nothing is in the way of `createSecretFile`, not even a dangling link.
 *
 * @throws SecretFileError SECRET_FILE_EXISTS | SECRET_FILE_IO
 */
export async function refuseExistingFile(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return;
    throw ioError('look for', path, cause);
  }
  throw existsError(path);
}

/**
 * Replaces the content of a secret file in one step: a crash leaves the old content or the new one.
 *
 * @throws SecretFileError SECRET_FILE_FOLDER | SECRET_FILE_IO
 */
export async function replaceSecretFile(path: string, bytes: Uint8Array): Promise<void> {
  await ensureSecretFolder(dirname(path));
  await replaceFile(path, bytes, PRIVATE_FILE_MODE).catch((cause: unknown) => {
    throw ioError('write', path, cause);
  });
}

/**
 * Makes the folder with mode 0700, to outlast a power cut, or checks that an existing one is ours and closed to group and
 * world.
 *
 * @throws SecretFileError SECRET_FILE_FOLDER | SECRET_FILE_IO
 */
export async function ensureSecretFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    const { mode, uid } = await stat(folder);
    if (isOurs(uid) && (mode & GROUP_AND_WORLD) === 0) return;
  } catch (cause) {
    throw ioError('make the folder', folder, cause);
  }
  const cure = `chmod 700 '${folder}' (and chown it to the user that runs this), or choose another folder`;
  throw new SecretFileError('SECRET_FILE_FOLDER', 'other users can reach the folder for secret files', {
    path: folder,
    cure,
  });
}

async function checkPrivate(file: FileHandle, path: string): Promise<void> {
  const status = await file.stat();
  if (!status.isFile()) {
    throw new SecretFileError('SECRET_FILE_NOT_REGULAR', 'a secret must be in a regular file', {
      path,
      cure: 'name the file itself, not a folder, pipe or device',
    });
  }
  if (!isOurs(status.uid)) {
    throw new SecretFileError('SECRET_FILE_OWNER', 'the secret file belongs to another user', {
      path,
      ownerUid: status.uid,
      cure: `chown it to the user that runs this: chown "$(id -u)" '${path}'`,
    });
  }
  if ((status.mode & GROUP_AND_WORLD) !== 0) {
    throw new SecretFileError('SECRET_FILE_PERMISSIONS', 'other users can reach the secret file', {
      path,
      mode: (status.mode & 0o777).toString(8).padStart(4, '0'),
      cure: `chmod 600 '${path}'`,
    });
  }
}

/** Reads one byte more than allowed, so that a file growing while it is read is caught as well. */
async function readAtMost(file: FileHandle, path: string, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  while (length <= maxBytes) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.slice(0, length);
    length += bytesRead;
  }
  throw new SecretFileError('SECRET_FILE_TOO_LARGE', `the file is larger than ${maxBytes} bytes`, {
    path,
    maxBytes,
    cure: 'check that this is the file you meant',
  });
}

function existsError(path: string): SecretFileError {
  return new SecretFileError('SECRET_FILE_EXISTS', 'refusing to overwrite an existing key', {
    path,
    cure: 'move the existing file away first, after making sure that it is backed up or not needed',
  });
}

function openError(path: string, cause: unknown): SecretFileError {
  switch (errnoOf(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new SecretFileError('SECRET_FILE_NOT_FOUND', 'there is no such secret file', {
        path,
        cure: 'check the path',
      });
    case 'ELOOP':
      return new SecretFileError('SECRET_FILE_SYMLINK', 'a secret file may not be a symbolic link', {
        path,
        cure: `name the file that it points to: readlink -f '${path}'`,
      });
    case 'EACCES':
    case 'EPERM':
      return new SecretFileError('SECRET_FILE_UNREADABLE', 'no permission to read the secret file', {
        path,
        cure: 'run as the owner of the file, or chown it to the user that runs this',
      });
    default:
      return ioError('open', path, cause);
  }
}

function ioError(action: string, path: string, cause: unknown): SecretFileError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SecretFileError(
    'SECRET_FILE_IO',
    `cannot ${action}: ${reason}`,
    { path, errno: errnoOf(cause) ?? 'unknown', cure: 'check the disk, its free space and the folder' },
    { cause },
  );
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Owners are unknown on systems without POSIX users; there the folder's own access rules must do. */
function isOurs(uid: number): boolean {
  const user = process.geteuid?.();
  return user === undefined || uid === user;
}
