import type { Effect, Performing } from '../../../../consensus/engine/effect.js';
import { ConsensusEngine } from '../../../../consensus/engine/engine.js';
import type { Input } from '../../../../consensus/engine/input.js';

/** Who looks on while an engine works. What it throws goes to whoever runs the engine. */
export interface EngineObserver {
  /** Before an effect is performed. */
  onEffect(engine: ConsensusEngine, effect: Effect): void;
  /** After an input has been handled; one that changed nothing was not logged. */
  onInput(engine: ConsensusEngine, input: Input, isLogged: boolean): void;
}

/**
 * Shows every engine of this thread to the observer of its validator.
 *
 * @param observerOf by the name of the validator, asked once per engine
 * @returns ends it
 */
export function observeEngines(observerOf: (validator: string) => EngineObserver | undefined): () => void {
  const observers = new WeakMap<ConsensusEngine, EngineObserver>();
  const adopt = (engine: ConsensusEngine): EngineObserver | undefined => {
    const own = engine.current?.own;
    const observer = observers.get(engine) ?? (typeof own === 'string' ? observerOf(own) : undefined);
    if (observer !== undefined) observers.set(engine, observer);
    return observer;
  };
  const { prototype } = ConsensusEngine;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its engine below
  const { handle } = prototype;
  prototype.handle = function* (this: ConsensusEngine, input: Input): Performing {
    let isLogged = false;
    const effects = handle.call(this, input);
    for (let next = effects.next(); next.done !== true;) {
      const effect = next.value;
      isLogged ||= effect.kind === 'log';
      adopt(this)?.onEffect(this, effect);
      const resume: unknown = yield effect;
      next = effects.next(resume);
    }
    adopt(this)?.onInput(this, input, isLogged);
  };
  return () => {
    prototype.handle = handle;
  };
}
