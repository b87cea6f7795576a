import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'

/** Records the messages of a channel until the test has ended. */
export function recordChannel<Message>(name: string): Message[] {
  const messages: Message[] = []
  const onMessage = (message: unknown) => void messages.push(message as Message)
  subscribe(name, onMessage)
  onTestFinished(() => void unsubscribe(name, onMessage))
  return messages
}

const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const

/** One event of a tracing channel, with a copy of its message as it was then. */
export interface TraceEvent<Message> {
  readonly event: (typeof events)[number]
  readonly message: Message
}

/** Records the events of a tracing channel until the test has ended. */
export function recordTrace<Message extends object>(name: string): TraceEvent<Message>[] {
  const recorded: TraceEvent<Message>[] = []
  for (const event of events) {
    const traced = tracingChannel(name)[event]
    const onMessage = (message: unknown) => void recorded.push({ event, message: { ...(message as Message) } })
    traced.subscribe(onMessage)
    onTestFinished(() => void traced.unsubscribe(onMessage))
  }
  return recorded
}

/** The names of all plain channels, and of those that are tracing channels as well. */
export const plainNames = [
  'latchkey:verify',
  'latchkey:issue',
  'latchkey:store',
  'latchkey:cache',
  'latchkey:feed',
  'latchkey:lifecycle',
  'latchkey:session',
] as const
export const tracedNames = ['latchkey:verify', 'latchkey:issue', 'latchkey:store', 'latchkey:cache'] as const

/** Returns which of the channels of these names have a subscriber. */
export function subscribedNames(): string[] {
  return plainNames.filter((name) => channel(name).hasSubscribers)
}
