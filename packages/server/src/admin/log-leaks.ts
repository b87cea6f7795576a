import type { App } from '../http/app.js'
import type { LeakResponse } from './leak-response.js'

/** Logs each leaked secret for the operator. */
export function logLeaks(app: App, leaks: LeakResponse): void {
  leaks.on('leak', (leak) => {
    app.log.error(
      leak,
      'A tenant secret has leaked: it signed a token that this server did not issue. All sessions and tokens of the account have been revoked.',
    )
  })
  leaks.on('failure', (error) =>
    app.log.error({ err: error }, 'A leaked secret could not be revoked; the next attempt follows in one second.'),
  )
}
