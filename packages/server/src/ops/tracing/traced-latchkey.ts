import type { Latchkey } from 'latchkey'
import { noTracing, type Tracing } from './tracing.js'

/** The same latchkey, whose work is seen in traces. Without tracing it is the very same one: `verify` is on the path of every request. */
export function tracedLatchkey(latchkey: Latchkey, tracing: Tracing): Latchkey {
  if (tracing === noTracing) return latchkey
  return {
    issue: (request) => tracing.within({ name: 'latchkey.issue' }, () => latchkey.issue(request)),
    verify: (token) => tracing.within({ name: 'latchkey.verify' }, () => latchkey.verify(token)),
    watch: (auth, ended) => latchkey.watch(auth, ended),
    tokenCacheUse: () => latchkey.tokenCacheUse(),
    close: () => latchkey.close(),
  }
}
