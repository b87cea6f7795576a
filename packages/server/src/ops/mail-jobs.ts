import type { App } from '../http/app.js'
import type { MailDomain } from '../mail/open-mail.js'
import { scheduleJobs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** Upper bound of the time until the first attempt to send a new e-mail. */
const deliveryIntervalMs = 1000

interface Dependencies {
  readonly mail: Pick<MailDomain, 'outboxWorker'>
  readonly metrics: Metrics
}

/** Sends the e-mails of the outbox, and logs the outcomes without texts and recipients. */
export function scheduleMailJobs(app: App, { mail: { outboxWorker }, metrics: { jobFailures } }: Dependencies): void {
  if (outboxWorker === undefined) {
    app.log.warn('E-mail is off: LATCHKEY_SMTP_URL is not set.')
    return
  }
  outboxWorker.on('sent', (email) => {
    if (email.file === undefined) app.log.info(email, 'An e-mail was sent.')
    else app.log.warn(email, 'An e-mail was written to a file instead of being sent: LATCHKEY_SMTP_URL is not set.')
  })
  outboxWorker.on('delayed', (email) => app.log.warn(email, 'An e-mail could not be sent; it will be retried.'))
  outboxWorker.on('failed', (email) => app.log.error(email, 'An e-mail was given up.'))
  const deliver = { name: 'deliver mail', run: () => outboxWorker.deliver() }
  scheduleJobs(app, [deliver], { intervalMs: deliveryIntervalMs, jobFailures })
}
