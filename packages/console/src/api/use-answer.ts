import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiProblem, asProblem } from './problem.js'

/** The state of the answer that a page shows. */
export interface Answer<T> {
  /** The last answer; it stays while a newer one is loading or is refused. */
  readonly data: T | undefined
  /** The refusal of the last attempt. */
  readonly problem: ApiProblem | undefined
  readonly isLoading: boolean
  /** Loads again. Resolves once the new answer is shown. */
  readonly reload: () => Promise<void>
}

interface AnswerOptions {
  /** Milliseconds between two loads. After a refusal, it tries again every 2 s. */
  readonly everyMs?: number
}

const retryMs = 2000

/**
 * Loads an answer of the API, and again whenever `key` changes. An answer that a newer load has
 * overtaken is discarded.
 *
 * @param load - Sends the request, with the signal that ends it.
 */
export function useAnswer<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { everyMs }: AnswerOptions = {},
): Answer<T> {
  const [state, setState] = useState<{ key: string; data?: T; problem?: ApiProblem }>({ key })
  const latest = useRef(load)
  latest.current = load
  const controller = useRef<AbortController | undefined>(undefined)

  const reload = useCallback(async () => {
    controller.current?.abort()
    const own = new AbortController()
    controller.current = own
    try {
      const data = await latest.current(own.signal)
      if (!own.signal.aborted) setState({ key, data })
    } catch (error) {
      if (!own.signal.aborted)
        setState((before) => ({ ...(before.key === key ? before : { key }), problem: asProblem(error) }))
    }
  }, [key])

  useEffect(() => {
    void reload()
    return () => controller.current?.abort()
  }, [reload])

  const isUnreachable = state.problem !== undefined && (state.problem.status === 0 || state.problem.status >= 500)
  const waitMs = isUnreachable ? retryMs : everyMs
  useEffect(() => {
    if (waitMs === undefined) return undefined
    const timer = setTimeout(() => void reload(), waitMs)
    return () => clearTimeout(timer)
  }, [state, waitMs, reload])

  const own = state.key === key ? state : { key }
  return {
    data: own.data,
    problem: own.problem,
    isLoading: own.data === undefined && own.problem === undefined,
    reload,
  }
}
