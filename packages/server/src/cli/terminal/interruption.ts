import { StartupFailure } from '../../startup-failure.js'
import type { CommandContext } from '../command-context.js'
import { exitCodes } from '../exit-codes.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/** Aborts when the command is told to stop, which then ends its work in order. Told a second time, the process ends at once. */
export function interruption(context: CommandContext): AbortSignal {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) context.exit(exitCodes.interrupted)
    stop.abort()
    for (const signal of signals) context.once(signal, onSignal)
  }
  for (const signal of signals) context.once(signal, onSignal)
  return stop.signal
}

/** That the command was stopped: `done` says how far it came, `resume` how to go on. */
export function interrupted(done: string, resume: string): StartupFailure {
  return new StartupFailure('interrupted', `Stopped. ${done}`, resume)
}
