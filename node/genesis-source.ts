import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { MAX_DOCUMENT_BYTES } from '../genesis/document.js';
import { readTextFile, writeFileAtomically } from '../genesis/files.js';
import { loadGenesis } from '../genesis/load.js';
import type { GenesisState } from '../genesis/state.js';
import { fromHex, toHex } from '../protocol/bytes.js';
import type { GenesisSource } from './ledger.js';
import { toJson } from './terminal-text.js';

/** What a document came to when it was read and checked as a whole. It names its snapshots by their hashes, so its own says everything. */
const NoteSchema = z.strictObject({
  documentSha256: z.string().regex(/^[0-9a-f]{64}$/),
  chainId: z.int(),
  genesisId: z.string().regex(/^0x[0-9a-f]{64}$/),
});

/**
 * The genesis of a document. It is read and checked as a whole the first time; afterwards a note says what it came to, so that a node with a
 * million holders starts again in no time.
 *
 * @param noteFile where the note lies; one that is missing, damaged or of another document is made anew
 * @throws GenesisError as `loadGenesis` does, and when the document cannot be read or the note not written
 */
export async function genesisSource(path: string, noteFile: string): Promise<GenesisSource> {
  const document = await readTextFile(path, MAX_DOCUMENT_BYTES);
  const documentSha256 = sha256Of(document);
  const note = await readNote(noteFile);
  if (note?.documentSha256 === documentSha256) {
    const load = (): Promise<GenesisState> => loadGenesis(path, { areSignaturesKnown: true });
    return { chainId: note.chainId, id: fromHex(note.genesisId, 32), load };
  }
  const state = await loadGenesis(path);
  await writeNote(noteFile, documentSha256, state);
  const { chainId, id } = state;
  return { chainId, id, load: () => Promise.resolve(state) };
}

/** Notes for a node what its document, which was checked a moment ago, came to. @throws as `genesisSource` for its note */
export async function noteGenesis(path: string, noteFile: string, state: GenesisState): Promise<void> {
  await writeNote(noteFile, sha256Of(await readTextFile(path, MAX_DOCUMENT_BYTES)), state);
}

async function writeNote(noteFile: string, documentSha256: string, state: GenesisState): Promise<void> {
  const text = toJson({ documentSha256, chainId: state.chainId, genesisId: toHex(state.id) });
  await mkdir(dirname(noteFile), { recursive: true, mode: 0o700 });
  await writeFileAtomically(noteFile, [Buffer.from(text)], { replace: true });
}

function sha256Of(document: string): string {
  return createHash('sha256').update(document).digest('hex');
}

async function readNote(file: string): Promise<z.output<typeof NoteSchema> | undefined> {
  try {
    return NoteSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
