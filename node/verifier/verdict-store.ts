import type { Folder } from '../../consensus/disk/disk.js';
import { bytesEqual, toHex } from '../../protocol/bytes.js';
import { OgpuError } from '../../protocol/errors.js';
import { MAX_FULL_AUDIT_SEGMENTS } from '../../protocol/limits.js';
import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, listOf, SszError, uint8, type ValueOf } from '../../protocol/ssz/types.js';

const VerdictType = new ContainerType({
  job: bytes32,
  attempt: uint8,
  round: uint8,
  /** Content id of what each segment of the voice comes to, ascending by segment. */
  answers: listOf(bytes32, MAX_FULL_AUDIT_SEGMENTS),
  nonce: bytes32,
});

/** What this validator has come to in one round of an attempt. */
export type Verdict = ValueOf<typeof VerdictType>;
export type Place = Pick<Verdict, 'job' | 'attempt' | 'round'>;

const verdictCodec = createCodec<Verdict>('Verdict', VerdictType);

/** A file that holds no verdict. The node judges again. */
export class VerdictFileError extends OgpuError<'VERDICT_FILE_CORRUPT'> {}

/**
 * Verdicts that somebody may have heard of, each in a file of its own, durable before it leaves: after a crash the same seal is opened with
 * the same answers, whatever a device would come to now.
 */
export class VerdictStore {
  readonly #folder: Folder;
  readonly #verdicts: Map<string, Verdict>;

  private constructor(folder: Folder, verdicts: Map<string, Verdict>) {
    this.#folder = folder;
    this.#verdicts = verdicts;
  }

  /** @throws DiskError */
  static async open(folder: Folder, onWarning: (error: OgpuError) => void): Promise<VerdictStore> {
    const verdicts = new Map<string, Verdict>();
    for (const name of (await folder.list()).filter((file) => file.endsWith(SUFFIX))) {
      const verdict = await readVerdict(folder, name, onWarning);
      if (verdict !== undefined) verdicts.set(nameOf(verdict), verdict);
    }
    return new VerdictStore(folder, verdicts);
  }

  get size(): number {
    return this.#verdicts.size;
  }

  get(place: Place): Verdict | undefined {
    const verdict = this.#verdicts.get(nameOf(place));
    // Names hold a part of the job's id.
    return verdict !== undefined && bytesEqual(verdict.job, place.job) ? verdict : undefined;
  }

  /** Resolves when the verdict is durable; only then may it leave. A place keeps its first. @throws DiskError */
  async keep(verdict: Verdict): Promise<Verdict> {
    const known = this.get(verdict);
    if (known !== undefined) return known;
    await this.#folder.writeFile(nameOf(verdict), verdictCodec.encode(verdict));
    this.#verdicts.set(nameOf(verdict), verdict);
    return verdict;
  }

  /** Forgets verdicts that nobody waits for any more. @throws DiskError */
  async dropWhere(isOver: (place: Place) => boolean): Promise<void> {
    for (const [name, verdict] of this.#verdicts) {
      if (!isOver(verdict)) continue;
      this.#verdicts.delete(name);
      await this.#folder.remove(name);
    }
  }
}

async function readVerdict(
  folder: Folder,
  name: string,
  onWarning: (error: OgpuError) => void,
): Promise<Verdict | undefined> {
  const bytes = await folder.readFile(name, verdictCodec.maxBytes);
  try {
    return bytes && verdictCodec.decode(bytes);
  } catch (cause) {
    if (!(cause instanceof SszError)) throw cause;
    onWarning(
      new VerdictFileError(
        'VERDICT_FILE_CORRUPT',
        'a saved verdict is none: judging again',
        { name },
        { cause },
      ),
    );
    await folder.remove(name);
    return undefined;
  }
}

const SUFFIX = '.verdict';

function nameOf({ job, attempt, round }: Place): string {
  return `${toHex(job).slice(2, 42)}-${attempt}-${round}${SUFFIX}`;
}
