import type { App } from '../http/app.js'
import type { MailDomain } from '../mail/open-mail.js'
import { scheduleJobs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** Upper bound of the time in which a new email waits for its first attempt. */
const deliveryIntervalMs = 1000

/** The outbox worker and the metrics. */
interface Dependencies {
  readonly mail: Pick<MailDomain, 'outboxWorker'>
  readonly metrics: Metrics
}

/** Sends the emails of the outbox, and logs the outcomes without texts and recipients. */
export function scheduleMailJobs(app: App, { mail: { outboxWorker }, metrics: { jobFailures } }: Dependencies): void {
  if (outboxWorker === undefined) {
    app.log.warn('Nothing can be mailed: LATCHKEY_SMTP_URL is not set.')
    return
  }
  outboxWorker.on('sent', (email) => {
    if (email.file === undefined) app.log.info(email, 'A email was sent.')
    else app.log.warn(email, 'A email was written into a file instead of being sent: LATCHKEY_SMTP_URL is not set.')
  })
  outboxWorker.on('delayed', (email) => app.log.warn(email, 'A email could not be sent; it is tried again.'))
  outboxWorker.on('failed', (email) => app.log.error(email, 'A email was given up.'))
  const deliver = { name: 'deliver mail', run: () => outboxWorker.deliver() }
  scheduleJobs(app, [deliver], { intervalMs: deliveryIntervalMs, jobFailures })
}
