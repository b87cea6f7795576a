import { signal } from '@preact/signals'

/** Whether the last request has not reached the server. `ui/connection-banner.tsx` shows it. */
export const isServerAway = signal(false)

/** The answers of a proxy whose server does not answer it. */
const proxyStatuses: ReadonlySet<number> = new Set([502, 503, 504])

/** Records that this answer has arrived. The server itself answers a failure with a problem. */
export function recordAnswer({ status, headers }: Response): void {
  const isOwn = headers.get('Content-Type')?.includes('json') === true
  isServerAway.value = proxyStatuses.has(status) && !isOwn
}

/** Records that no answer has arrived. */
export function recordSilence(): void {
  isServerAway.value = true
}
