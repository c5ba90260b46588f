import { decodeGraph } from '../../protocol/graph/encode.js';
import { GraphError } from '../../protocol/graph/faults.js';
import { openProgram, type Program } from '../../protocol/graph/check.js';
import { toHex } from '../../protocol/bytes.js';
import { readSourceGraph } from '../../state/sources/source.js';
import type { Reader } from '../../state/store/store.js';
import type { BlobService } from '../blobs/service.js';
import { readBlob } from './blob-bytes.js';
import { MaterialsError } from './materials.js';

/** A program with the file of its weights. */
export interface ShelvedSource {
  readonly program: Program;
  readonly weights: Uint8Array;
}

/** Weights that are kept in memory between jobs, all together. */
const MAX_SHELVED_BYTES = 512 * 2 ** 20;

/** Programs of registered sources, with their weights fetched: those used last stay in memory. */
export class SourceShelf {
  readonly #store: Reader;
  readonly #blobs: BlobService;
  /** In the order of their use. */
  readonly #sources = new Map<string, ShelvedSource>();

  constructor(store: Reader, blobs: BlobService) {
    this.#store = store;
    this.#blobs = blobs;
  }

  /** @throws MaterialsError */
  program(id: Uint8Array): Program {
    const shelved = this.#sources.get(toHex(id));
    if (shelved !== undefined) return shelved.program;
    const graph = readSourceGraph(this.#store, id);
    if (graph === undefined)
      throw new MaterialsError('MATERIALS_UNFIT', 'the source is gone', { source: toHex(id) });
    try {
      return openProgram(decodeGraph(graph));
    } catch (cause) {
      if (!(cause instanceof GraphError)) throw cause;
      throw new MaterialsError('MATERIALS_UNFIT', 'the program is none', { source: toHex(id) }, { cause });
    }
  }

  /** @throws MaterialsError */
  async obtain(id: Uint8Array, signal: AbortSignal): Promise<ShelvedSource> {
    const name = toHex(id);
    const known = this.#sources.get(name);
    const source = known ?? (await this.#fetch(id, signal));
    this.#sources.delete(name);
    this.#sources.set(name, source);
    this.#makeRoom();
    return source;
  }

  async #fetch(id: Uint8Array, signal: AbortSignal): Promise<ShelvedSource> {
    const program = this.program(id);
    const { weightsHash } = program.graph;
    const { weightBytes } = program.work;
    const weights = await readBlob(this.#blobs, weightsHash, { lengthBytes: weightBytes, signal });
    return { program, weights };
  }

  /** The one used last stays, whatever its size. */
  #makeRoom(): void {
    let total = [...this.#sources.values()].reduce((sum, { weights }) => sum + weights.length, 0);
    for (const [name, { weights }] of this.#sources) {
      if (total <= MAX_SHELVED_BYTES || this.#sources.size === 1) return;
      this.#sources.delete(name);
      total -= weights.length;
    }
  }
}
