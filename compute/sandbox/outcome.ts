/** How a job in the sandbox ended. Every ending but `completed` says whose it was, as far as the parent can know. */
export type SandboxOutcome = (
  | { readonly kind: 'completed' }
  /** The program said so itself: `code` is its own, of what it was given or of its device. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** The device is gone, or answers no longer. */
  | { readonly kind: 'device-lost'; readonly message: string }
  | { readonly kind: 'out-of-memory'; readonly limit: MemoryLimit }
  | { readonly kind: 'timed-out'; readonly limitMs: number }
  /** More result or more log than the job may write. */
  | { readonly kind: 'output-too-large'; readonly stream: 'results' | 'log'; readonly maxBytes: number }
  /** What came was not what the protocol allows. */
  | { readonly kind: 'garbage'; readonly reason: string }
  /** The process ended before its work: an exit code, or the signal that ended it. */
  | { readonly kind: 'crashed'; readonly exitCode: number | null; readonly signal: string | null }
  /** The caller wanted it no longer. */
  | { readonly kind: 'cancelled' }
) &
  SandboxFigures;

/**
 * Which bound was met: V8's heap (`heap`), an allocation the kernel or the quota refused (`allocation`), memory in use as the parent
 * saw it (`resident`), a crash of native code close under the limit (`near-limit`), or device memory (`vram`).
 */
export type MemoryLimit = 'heap' | 'allocation' | 'resident' | 'near-limit' | 'vram';

/** What the parent measured, whatever the ending. */
export interface SandboxFigures {
  readonly wallMs: number;
  /** Highest memory seen, anonymous and shared; 0 where the system does not say. */
  readonly peakBytes: number;
  /** The end of what the child wrote to its error stream, for logs. */
  readonly log: string;
}

/** An ending before the figures are added. */
export type Ending = DistributiveOmit<SandboxOutcome, keyof SandboxFigures>;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
