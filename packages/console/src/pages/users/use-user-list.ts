import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import type { components } from '../../api/schema.js'
import { apiQueryOf, type UserFilters } from './user-filters.js'

/** An account as administrators see it. */
export type User = components['schemas']['ManagedAccount']

/** The accounts that were read so far. */
export interface UserList {
  readonly users: readonly User[]
  readonly isLoading: boolean
  /** Whether the API may have further accounts. */
  readonly hasMore: boolean
  readonly problem: ApiProblem | undefined
  readonly loadMore: () => Promise<void>
  readonly reload: () => Promise<void>
}

interface Loaded {
  readonly users: readonly User[]
  /** `null` after the last page, `undefined` before the first. */
  readonly cursor: string | null | undefined
}

const pageSize = 50

/** A page of the API may be short, so that several are read to fill one of the list. */
const maxRequests = 20

const nothing: Loaded = { users: [], cursor: undefined }

/**
 * Lists the accounts that match the filters, page by page. A newer list cancels the requests of an
 * older one, whose rows stay until the first new page has arrived.
 */
export function useUserList(filters: UserFilters): UserList {
  const key = JSON.stringify(filters)
  const [loaded, setLoaded] = useState(nothing)
  const [isLoading, setLoading] = useState(true)
  const [problem, setProblem] = useState<ApiProblem>()
  const controller = useRef<AbortController | undefined>(undefined)

  const load = useCallback(
    async (from: Loaded) => {
      controller.current?.abort()
      const own = new AbortController()
      controller.current = own
      const { signal } = own
      setLoading(true)
      setProblem(undefined)
      try {
        let current = from
        for (let request = 0; request < maxRequests; request += 1) {
          current = await readPage(apiQueryOf(JSON.parse(key)), current, signal)
          if (signal.aborted) return
          setLoaded(current)
          if (current.cursor === null || current.users.length >= from.users.length + pageSize) break
        }
      } catch (error) {
        if (signal.aborted) return
        setProblem(asProblem(error))
      }
      setLoading(false)
    },
    [key],
  )

  useEffect(() => {
    void load(nothing)
    return () => controller.current?.abort()
  }, [load])

  const { users, cursor } = loaded
  return {
    users,
    isLoading,
    hasMore: cursor !== null && cursor !== undefined,
    problem,
    loadMore: () => load(loaded),
    reload: () => load(nothing),
  }
}

async function readPage(
  query: ReturnType<typeof apiQueryOf>,
  { users, cursor }: Loaded,
  signal: AbortSignal,
): Promise<Loaded> {
  const place = typeof cursor === 'string' ? { cursor } : {}
  const page = await answer(
    api.GET('/v1/admin/users', { params: { query: { ...query, limit: pageSize, ...place } }, signal }),
  )
  return { users: [...users, ...page.users], cursor: page.next_cursor }
}
