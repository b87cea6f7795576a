import { Badge } from '../../ui/badge.js'
import { DataTable } from '../../ui/data-table.js'
import { Section } from '../../ui/section.js'
import { durationText, Time } from '../../ui/time.js'
import type { LiveState } from './live-feed.js'

type Process = LiveState['processes'][number]

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

/** A process reports every two seconds while this page is open. */
const silentMs = 10_000
/** The longest `LATCHKEY_MAX_STALENESS` of most servers is 2 s; a feed of this age is behind. */
const behindMs = 2000

interface ProcessesSectionProps {
  readonly latest: LiveState | undefined
  readonly isLive: boolean
}

/** The server processes, and how fresh the knowledge of each one is. */
export function ProcessesSection({ latest, isLive }: ProcessesSectionProps) {
  const { processes = [], process_count: count = 0 } = latest ?? {}
  return (
    <Section title="Server processes">
      <p class="hint">
        The feed age is the time since a process last proved that it knows every change. Without a recent proof it reads
        each tenant before it accepts a token.
      </p>
      {count > processes.length ? (
        <p>
          {processes.length} of {number.format(count)} processes: the silent ones first, then those that are behind.
        </p>
      ) : null}
      <DataTable
        caption="Server processes of this database"
        rows={processes}
        rowKey={({ id }) => id}
        empty="The processes appear here within seconds."
        columns={[
          { title: 'Process', cell: ({ name, current }) => (current ? `${name} (this page)` : name) },
          { title: 'State', cell: (process) => <ProcessState process={process} isLive={isLive} /> },
          {
            title: 'Feed age',
            isNumber: true,
            cell: ({ feed_age_ms: ageMs }) => (ageMs === null ? 'unknown' : durationText(ageMs)),
          },
          { title: 'Verified', isNumber: true, cell: ({ verifications }) => `${number.format(verifications)}/s` },
          { title: 'Requests', isNumber: true, cell: ({ requests }) => `${number.format(requests)}/s` },
          { title: 'Changes arrive', isNumber: true, cell: ({ deliveries }) => deliveryText(deliveries) },
          { title: 'Started', cell: ({ started_at: at }) => <Time at={at} /> },
        ]}
      />
    </Section>
  )
}

function ProcessState({ process, isLive }: { readonly process: Process; readonly isLive: boolean }) {
  const { seen_ms_ago: seenMsAgo, feed_age_ms: ageMs } = process
  if (!isLive) return <Badge>Not known now</Badge>
  if (seenMsAgo > silentMs) return <Badge kind="bad">Silent for {durationText(seenMsAgo)}</Badge>
  if (ageMs === null || ageMs > behindMs) return <Badge kind="warning">Behind</Badge>
  return <Badge kind="good">Up to date</Badge>
}

function deliveryText({ count, p50_ms: p50, p99_ms: p99 }: Process['deliveries']): string {
  if (count === 0 || p50 === null || p99 === null) return 'none yet'
  return `≤ ${durationText(p50)}, p99 ≤ ${durationText(p99)}`
}
