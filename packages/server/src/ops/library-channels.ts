import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { CacheMessage, FeedMessage, StoreMessage, VerifyMessage } from 'latchkey'

/** The channels of the library to which the server subscribes, and their messages. */
export interface LibraryMessages {
  readonly 'latchkey:verify': VerifyMessage
  readonly 'latchkey:store': StoreMessage
  readonly 'latchkey:cache': CacheMessage
  readonly 'latchkey:feed': FeedMessage
}

/** The parts of the library that belong to this server. A process may run several servers. */
export type Sources = Pick<ReadonlySet<object>, 'has'>

/** Calls `received` with each message of these sources. Returns the function that unsubscribes. */
export function subscribeTo<Name extends keyof LibraryMessages>(
  name: Name,
  sources: Sources,
  received: (message: LibraryMessages[Name]) => void,
): () => void {
  const onMessage = (published: unknown) => {
    const message = published as LibraryMessages[Name]
    if (sources.has(message.source)) received(message)
  }
  subscribe(name, onMessage)
  return () => unsubscribe(name, onMessage)
}
