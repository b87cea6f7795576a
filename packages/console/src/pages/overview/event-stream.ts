/** An event of a stream of Server-Sent Events. */
export interface StreamEvent {
  readonly name: string
  readonly data: string
}

/** A stream without an event for this time counts as broken. */
const maxSilenceMs = 6000

/**
 * Yields the events of a stream (HTML Living Standard §9.2.6).
 *
 * @throws Error if no event arrives for six seconds
 */
export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read())
      if (done) return
      text += value
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const name = fieldOf(block, 'event')
        if (name !== undefined) yield { name, data: fieldOf(block, 'data') ?? '' }
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function fieldOf(block: string, name: string): string | undefined {
  const line = block.split('\n').find((candidate) => candidate.startsWith(`${name}: `))
  return line?.slice(name.length + 2)
}

function inTime<T>(reading: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The stream is silent.')), maxSilenceMs)
    reading.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
