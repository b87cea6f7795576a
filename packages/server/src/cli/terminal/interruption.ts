import { StartupFailure } from '../../startup-failure.js'
import type { CommandContext } from '../command-context.js'
import { exitCodes } from '../exit-codes.js'

const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Returns a signal that is aborted by SIGINT or SIGTERM, so that the command ends its work in
 * order. A second signal ends the process at once.
 */
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

/**
 * Returns the failure of a command that was stopped: `done` says what it did, `resume` how to go
 * on.
 */
export function interrupted(done: string, resume: string): StartupFailure {
  return new StartupFailure('interrupted', `Stopped. ${done}`, resume)
}
