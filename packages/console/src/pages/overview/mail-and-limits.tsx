import { Facts } from '../../ui/facts.js'
import { Section } from '../../ui/section.js'
import { countIn } from './count-in.js'
import type { LiveState } from './live-feed.js'

const number = new Intl.NumberFormat()

/** E-mails and rate limits in the last ten minutes. */
export function MailAndLimits({ history }: { readonly history: readonly LiveState[] }) {
  const count = (counter: keyof LiveState['rates']) => number.format(countIn(history, counter))
  const latest = history.at(-1)
  return (
    <Section title="Mail and limits, ten minutes">
      <Facts
        entries={[
          ['E-mails sent', count('mail_sent')],
          ['Attempts that are retried', count('mail_delayed')],
          ['E-mails given up', count('mail_failed')],
          ['Requests over a rate limit', count('limiter_refusals')],
          ['Limits are counted', latest === undefined ? '–' : limitsText(latest)],
        ]}
      />
    </Section>
  )
}

function limitsText({ limits_in_memory: isInMemory }: LiveState): string {
  return isInMemory ? 'by each server alone: the shared counters fail' : 'as configured'
}
