import type { VramQuota } from '../sandbox/vram.js';

/** Buffers of a device that are used again: what a segment worked with serves the next, of the same program or another. */
export interface BufferPool {
  /** A buffer of this size, with whatever was left in it. @throws ProgramError VRAM_QUOTA_EXCEEDED */
  readonly take: (bytes: number) => GPUBuffer;
  readonly giveBack: (buffer: GPUBuffer) => void;
  /** Takes bytes from the quota for a buffer that is none of the pool's; idle ones go first. @throws ProgramError VRAM_QUOTA_EXCEEDED */
  readonly reserve: (bytes: number) => void;
}

/** @param maxIdleBytes kept; beyond that the ones that lay longest are destroyed */
export function createBufferPool(device: GPUDevice, vram: VramQuota, maxIdleBytes: number): BufferPool {
  const idle: GPUBuffer[] = [];
  let idleBytes = 0;
  const dropOldest = (): void => {
    const oldest = idle.shift();
    if (oldest === undefined) return;
    idleBytes -= oldest.size;
    vram.giveBack(oldest.size);
    oldest.destroy();
  };
  const reserve = (bytes: number): void => {
    while (idle.length > 0 && vram.usedBytes() + bytes > vram.maxBytes) dropOldest();
    vram.take(bytes);
  };
  return {
    reserve,
    take(bytes) {
      const at = idle.findLastIndex(({ size }) => size === bytes);
      const [found] = at < 0 ? [] : idle.splice(at, 1);
      if (found !== undefined) {
        idleBytes -= bytes;
        return found;
      }
      reserve(bytes);
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      return device.createBuffer({ size: bytes, usage });
    },
    giveBack(buffer) {
      idle.push(buffer);
      idleBytes += buffer.size;
      while (idleBytes > maxIdleBytes) dropOldest();
    },
  };
}
