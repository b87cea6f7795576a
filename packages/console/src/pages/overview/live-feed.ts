import { signal } from '@preact/signals'
import { answer, api } from '../../api/client.js'
import { ApiProblem, asProblem, problemIn, unreachable } from '../../api/problem.js'
import type { paths } from '../../api/schema.js'
import { eventsIn } from './event-stream.js'

/** An event of the live view. */
export type LiveState = paths['/v1/admin/live']['get']['responses']['200']['content']['text/event-stream']

/** How the page is connected to the live view. */
export interface LiveFeedState {
  /** `ended`: the administrator has lost the right, so that another attempt is of no use. */
  readonly connection: 'connecting' | 'live' | 'reconnecting' | 'ended'
  /** Why the last stream ended; `undefined` while it is live. */
  readonly problem: ApiProblem | undefined
  /** The states of the last ten minutes. They stay while other pages are shown. */
  readonly history: readonly LiveState[]
}

export const historyMs = 600_000
const firstWaitMs = 500
const longestWaitMs = 15_000

/** The live view as the page "Overview" shows it. */
export const liveFeed = signal<LiveFeedState>({ connection: 'connecting', problem: undefined, history: [] })

/**
 * Follows the live view, and connects again with growing pauses after each break. Returns the
 * function that ends it.
 */
export function followLive(): () => void {
  const controller = new AbortController()
  void follow(controller.signal)
  return () => controller.abort()
}

async function follow(signal: AbortSignal): Promise<void> {
  let waitMs = firstWaitMs
  update({ connection: 'connecting', problem: undefined })
  while (!signal.aborted) {
    const problem = await readStream(signal, () => {
      waitMs = firstWaitMs
    })
    if (signal.aborted) return
    if (problem.status === 403) return update({ connection: 'ended', problem })
    update({ connection: 'reconnecting', problem })
    // Spread, so that the pages of many administrators do not return at the same time.
    await pause(waitMs * (0.75 + Math.random() / 2), signal)
    waitMs = Math.min(longestWaitMs, waitMs * 2)
  }
}

/** Reads one stream until it ends. Returns the reason. */
async function readStream(signal: AbortSignal, onState: () => void): Promise<ApiProblem> {
  const own = new AbortController()
  const abort = () => own.abort()
  signal.addEventListener('abort', abort)
  try {
    const body = await answer(api.GET('/v1/admin/live', { parseAs: 'stream', signal: own.signal }))
    for await (const { name, data } of eventsIn(body as unknown as ReadableStream<Uint8Array>)) {
      if (signal.aborted) break
      if (name === 'end') return new ApiProblem(problemIn(JSON.parse(data), Number(JSON.parse(data).status)))
      if (name !== 'state') continue
      add(JSON.parse(data) as LiveState)
      onState()
    }
    return new ApiProblem(unreachable)
  } catch (error) {
    return error instanceof ApiProblem ? asProblem(error) : new ApiProblem(unreachable)
  } finally {
    signal.removeEventListener('abort', abort)
    own.abort()
  }
}

function add(state: LiveState): void {
  const since = Date.parse(state.at) - historyMs
  const kept = liveFeed.value.history.filter(({ at }) => Date.parse(at) > since)
  liveFeed.value = { connection: 'live', problem: undefined, history: [...kept, state] }
}

function update(change: Pick<LiveFeedState, 'connection' | 'problem'>): void {
  liveFeed.value = { ...liveFeed.value, ...change }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
