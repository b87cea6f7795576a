import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Badge } from '../../ui/badge.js'
import { type Column, DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { eventText } from '../audit/audit-words.js'
import { Actor } from './actor.js'

type Entry = operations['readAudit']['responses'][200]['content']['application/json']['entries'][number]

interface AuditSectionProps {
  readonly id: string
  /** Loads again when it changes. */
  readonly version: number
}

/** The newest entries of the audit log about an account. */
export function AuditSection({ id, version }: AuditSectionProps) {
  const audit = useAnswer(`audit ${id} ${version}`, (signal) =>
    answer(api.GET('/v1/admin/audit', { params: { query: { account: id, limit: 20 } }, signal })),
  )
  return (
    <Section title="History" actions={<a href={`${consolePath}/audit?account=${id}`}>All entries</a>}>
      <Loaded answer={audit}>
        {({ entries }) => (
          <DataTable
            caption="Newest entries of the audit log"
            columns={columns}
            rows={entries}
            rowKey={(entry) => entry.id}
            empty="The audit log has no entry about this account."
          />
        )}
      </Loaded>
    </Section>
  )
}

const columns: readonly Column<Entry>[] = [
  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
  {
    title: 'Event',
    cell: ({ event, outcome }) => (
      <>
        {eventText(event)} {outcome === 'refused' ? <Badge kind="warning">refused</Badge> : null}
      </>
    ),
  },
  { title: 'By', cell: ({ actor, account }) => <Actor actor={actor} account={account} /> },
  { title: 'From', cell: ({ address }) => address ?? '–' },
]
