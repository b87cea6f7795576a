import { StartupFailure } from '../../startup-failure.js'
import { exitCodes } from '../exit-codes.js'
import type { Surroundings } from '../surroundings.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/** Aborts when the command is told to stop, which then ends its work in order. Told a second time, the process ends at once. */
export function interruption(surroundings: Surroundings): AbortSignal {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) surroundings.exit(exitCodes.interrupted)
    stop.abort()
    for (const signal of signals) surroundings.once(signal, onSignal)
  }
  for (const signal of signals) surroundings.once(signal, onSignal)
  return stop.signal
}

/** That the command was stopped: `done` says how far it came, `resume` how to go on. */
export function interrupted(done: string, resume: string): StartupFailure {
  return new StartupFailure('interrupted', `Stopped. ${done}`, resume)
}
