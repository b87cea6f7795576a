import { Chart } from '../../ui/chart.js'
import { Section } from '../../ui/section.js'
import { historyMs, type LiveState } from './live-feed.js'

type Rates = LiveState['rates']

const spanSec = historyMs / 1000

/** A longer pause between two states is shown as a gap. */
const longestStepMs = 5000

/** What happened in the last ten minutes, while the console was open. */
export function TrafficCharts({ history }: { readonly history: readonly LiveState[] }) {
  const states = withGaps(history)
  const times = states.map(({ at }) => at / 1000)
  const ratesBy = (value: (rates: Rates) => number) => states.map(({ state }) => (state ? value(state.rates) : null))
  const shared = { times, spanSec }
  return (
    <Section title="The last ten minutes">
      <div class="columns">
        <Chart
          {...shared}
          title="Verified tokens"
          unit="/s"
          lines={[
            { label: 'From memory', color: 'accent', values: ratesBy((rates) => rates.verifications_memory) },
            {
              label: 'After a read',
              color: 'warning',
              dash: [8, 4],
              values: ratesBy((rates) => rates.verifications_read),
            },
            {
              label: 'Refused',
              color: 'danger',
              dash: [2, 3],
              values: ratesBy((rates) => rates.verifications_refused),
            },
          ]}
        />
        <Chart
          {...shared}
          title="Sign-ins"
          unit="/s"
          lines={[
            { label: 'Done', color: 'good', values: ratesBy((rates) => rates.sign_ins) },
            { label: 'Refused', color: 'danger', dash: [2, 3], values: ratesBy((rates) => rates.sign_ins_refused) },
          ]}
        />
        <Chart
          {...shared}
          title="Checks for other services"
          unit="/s"
          lines={[
            { label: 'Introspection', color: 'accent', values: ratesBy((rates) => rates.introspections) },
            { label: 'Forward-auth', color: 'good', dash: [8, 4], values: ratesBy((rates) => rates.forward_auth) },
            {
              label: 'Refused',
              color: 'danger',
              dash: [2, 3],
              values: ratesBy((rates) => rates.introspections_refused + rates.forward_auth_refused),
            },
          ]}
        />
        <Chart
          {...shared}
          title="Requests"
          unit="/s"
          lines={[
            { label: 'Answered', color: 'accent', values: ratesBy((rates) => rates.requests) },
            {
              label: 'Rate limited',
              color: 'warning',
              dash: [8, 4],
              values: ratesBy((rates) => rates.limiter_refusals),
            },
            { label: 'Failed', color: 'danger', dash: [2, 3], values: ratesBy((rates) => rates.requests_failed) },
          ]}
        />
      </div>
    </Section>
  )
}

interface Point {
  readonly at: number
  /** `undefined` in a gap. */
  readonly state: LiveState | undefined
}

/** Returns the states, with an empty point after each that was followed by a gap. */
function withGaps(history: readonly LiveState[]): Point[] {
  return history.flatMap((state, index) => {
    const at = Date.parse(state.at)
    const next = history[index + 1]?.at
    const hasGap = next !== undefined && Date.parse(next) - at > longestStepMs
    return hasGap
      ? [
          { at, state },
          { at: at + 1000, state: undefined },
        ]
      : [{ at, state }]
  })
}
