import { answer, api } from '../../api/client.js'
import type { paths } from '../../api/schema.js'
import { type Answer, useAnswer } from '../../api/use-answer.js'

/** The keys of the server, without any key. */
export type Keys = paths['/v1/admin/keys']['get']['responses'][200]['content']['application/json']

const everyMs = 5000

/** Reads the keys again and again, so that a change at a terminal shows by itself. */
export function useKeys(): Answer<Keys> {
  return useAnswer('keys', (signal) => answer(api.GET('/v1/admin/keys', { signal })), { everyMs })
}

/** Returns an unused ID for a new master key, such as `k2`. */
export function nextKeyId(ids: readonly string[]): string {
  for (let number = 1; ; number += 1) if (!ids.includes(`k${number}`)) return `k${number}`
}
