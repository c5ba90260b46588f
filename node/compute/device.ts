import { hardwareChoice } from '../../compute/gpu/adapter-choice.js';
import { findAdapters } from '../../compute/gpu/adapters.js';
import { gateDevice } from '../../compute/gpu/gate/gate.js';
import type { Executor } from '../../compute/run-segments.js';
import { OgpuError } from '../../protocol/errors.js';

export const DEVICES = ['auto', 'reference'] as const;
export type DeviceSetting = (typeof DEVICES)[number];

/** A GPU of this machine computes something else than the reference: it is left alone. */
export class DeviceError extends OgpuError<'DEVICE_REFUSED'> {}

export interface DeviceParts {
  readonly setting: DeviceSetting;
  /** Folders that its processes do not see. */
  readonly hidden: readonly string[];
  readonly onChosen: (name: string) => void;
  readonly onWarning: (error: DeviceError) => void;
}

/** What computes on this machine: a GPU as long as it answers the known questions as the reference does, else the reference. */
export class ComputeDevice {
  readonly #parts: DeviceParts;
  readonly #stop = new AbortController();
  #chosen: Promise<Executor>;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.#chosen = this.#choose();
  }

  /** Resolves when it is known. */
  get executor(): Promise<Executor> {
    return this.#chosen;
  }

  /** Asks a GPU again: drivers are updated, hardware ages. Where the reference computes there is nothing to ask. */
  recheck(): void {
    this.#chosen = this.#chosen.then((chosen) => (chosen === 'reference' ? chosen : this.#choose()));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#chosen;
  }

  #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #choose(): Promise<Executor> {
    const { setting, hidden, onChosen, onWarning } = this.#parts;
    if (setting === 'reference' || this.#isStopped()) return 'reference';
    const choice = hardwareChoice();
    try {
      const [found] = await findAdapters([choice]);
      if (found === undefined || !('description' in found) || found.description.isSoftware) {
        onChosen('reference');
        return 'reference';
      }
      const { device, driver } = found.description;
      const { ok, wrong, outcome } = await gateDevice(choice, { hidden, signal: this.#stop.signal });
      if (!ok) throw refused(`${device}, ${driver}`, { wrong, outcome: outcome.kind });
      onChosen(`${device}, ${driver}`);
      return choice;
    } catch (error) {
      if (!this.#stop.signal.aborted)
        onWarning(error instanceof DeviceError ? error : refused('', {}, error));
      return 'reference';
    }
  }
}

function refused(device: string, data: object, cause?: unknown): DeviceError {
  return new DeviceError(
    'DEVICE_REFUSED',
    'the GPU does not compute as the reference does, which takes its place',
    { device, ...data, cure: 'change its driver: docs/devices.md; `ogpu doctor` says whether it is right' },
    { cause },
  );
}
