import type { Packed } from './wire.js';

export interface Task {
  /** Signatures in `body`. */
  readonly weight: number;
  readonly body: Packed;
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** A first-in first-out queue of tasks, bounded by their total weight. */
export class Lane {
  private readonly maxWeight: number;
  private queue: Task[] = [];
  private queuedWeight = 0;

  constructor(maxWeight: number) {
    this.maxWeight = maxWeight;
  }

  get weight(): number {
    return this.queuedWeight;
  }

  hasRoomFor(weight: number): boolean {
    return this.queuedWeight + weight <= this.maxWeight;
  }

  push(task: Task): void {
    this.queue.push(task);
    this.queuedWeight += task.weight;
  }

  /** The first task, and those that follow it while they weigh no more than `maxWeight` together. */
  take(maxWeight: number): Task[] {
    let count = 0;
    let weight = 0;
    for (const task of this.queue) {
      if (count > 0 && weight + task.weight > maxWeight) break;
      count++;
      weight += task.weight;
    }
    this.queuedWeight -= weight;
    return this.queue.splice(0, count);
  }

  drain(): Task[] {
    const rest = this.queue;
    this.queue = [];
    this.queuedWeight = 0;
    return rest;
  }
}
