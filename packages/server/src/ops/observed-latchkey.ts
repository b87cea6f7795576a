import { isLatchkeyError, type Latchkey } from 'latchkey'
import type { Metrics } from './metrics.js'

/** The same latchkey, whose verifications are counted. What needs no reading is still answered without a promise. */
export function observedLatchkey(latchkey: Latchkey, { verifications }: Pick<Metrics, 'verifications'>): Latchkey {
  // Found once: this is on the path of every request.
  const accepted = verifications.labels({ outcome: 'accepted', level: 'memory' })
  const refused = (error: unknown, level: 'memory' | 'read') => {
    verifications.inc({ outcome: isLatchkeyError(error) ? error.code : 'internal_error', level })
  }
  return {
    issue: (request) => latchkey.issue(request),
    verify: (token) => {
      try {
        const auth = latchkey.verify(token)
        if (!(auth instanceof Promise)) {
          accepted.inc()
          return auth
        }
        return auth.then(
          (read) => {
            verifications.inc({ outcome: 'accepted', level: 'read' })
            return read
          },
          (error: unknown) => {
            refused(error, 'read')
            throw error
          },
        )
      } catch (error) {
        refused(error, 'memory')
        throw error
      }
    },
    watch: (auth, ended) => latchkey.watch(auth, ended),
    tokenCacheUse: () => latchkey.tokenCacheUse(),
    close: () => latchkey.close(),
  }
}
