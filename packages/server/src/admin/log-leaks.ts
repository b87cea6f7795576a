import type { App } from '../http/app.js'
import type { LeakResponse } from './leak-response.js'

/** Logs leaked secrets for the operator. */
export function logLeaks(app: App, leaks: LeakResponse): void {
  leaks.on('leak', (leak) => {
    app.log.error(
      leak,
      'A secret has leaked: somebody else signed with it. The sessions and tokens of its account have ended.',
    )
  })
  leaks.on('failure', (error) =>
    app.log.error({ err: error }, 'A leaked secret could not be ended; it is tried again.'),
  )
}
