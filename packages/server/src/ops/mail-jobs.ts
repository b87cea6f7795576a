import type { App } from '../http/app.js'
import type { MailDomain } from '../mail/open-mail.js'
import { scheduleJobs } from './jobs.js'
import type { Metrics } from './metrics.js'

/** Upper bound of the time in which a new letter waits for its first attempt. */
const deliveryIntervalMs = 1000

/** The outbox worker and the metrics. */
interface Dependencies {
  readonly mail: Pick<MailDomain, 'outboxWorker'>
  readonly metrics: Metrics
}

/** Sends the letters of the outbox, and logs the outcomes without texts and recipients. */
export function scheduleMailJobs(app: App, { mail: { outboxWorker }, metrics: { jobFailures } }: Dependencies): void {
  if (outboxWorker === undefined) {
    app.log.warn('Nothing can be mailed: LATCHKEY_SMTP_URL is not set.')
    return
  }
  outboxWorker.on('sent', (letter) => {
    if (letter.file === undefined) app.log.info(letter, 'A letter was sent.')
    else app.log.warn(letter, 'A letter was written into a file instead of being sent: LATCHKEY_SMTP_URL is not set.')
  })
  outboxWorker.on('delayed', (letter) => app.log.warn(letter, 'A letter could not be sent; it is tried again.'))
  outboxWorker.on('failed', (letter) => app.log.error(letter, 'A letter was given up.'))
  const deliver = { name: 'deliver mail', run: () => outboxWorker.deliver() }
  scheduleJobs(app, [deliver], { intervalMs: deliveryIntervalMs, jobFailures })
}
