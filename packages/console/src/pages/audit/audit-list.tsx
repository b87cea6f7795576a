import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Badge } from '../../ui/badge.js'
import { DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { useQuery } from '../../ui/use-query.js'
import { AuditDetail } from './audit-detail.js'
import { type AuditEntry, type AuditQuery, eventText } from './audit-words.js'

/** The entries that match a query, newest first. */
export function AuditList({ query }: { readonly query: AuditQuery }) {
  const { href, get } = useQuery()
  const found = useAnswer(JSON.stringify(query), (signal) =>
    answer(api.GET('/v1/admin/audit', { params: { query }, signal })),
  )
  return (
    <Section title="Entries">
      <Loaded answer={found}>
        {({ entries, next_cursor: next }) => (
          <>
            <DataTable
              caption="Entries of the audit log, newest first"
              columns={[
                { title: 'When', cell: ({ at }) => <Time at={at} full /> },
                { title: 'Event', cell: eventCell },
                { title: 'Account', cell: ({ account }) => <Party id={account} name="account" /> },
                { title: 'Done by', cell: ({ actor }) => <Party id={actor} name="actor" /> },
                { title: 'Address', cell: ({ address }) => address ?? '–' },
                { title: 'Details', cell: (entry) => <AuditDetail entry={entry} /> },
              ]}
              rows={entries}
              rowKey={({ id }) => id}
              empty={
                <p>
                  {next === null
                    ? 'No entry matches. Remove a part of the filter, or choose a longer time.'
                    : 'No entry of this part of the log matches; older ones may.'}
                </p>
              }
            />
            <nav class="actions" aria-label="Pages of the list">
              {get('cursor') === '' ? null : <a href={href({ cursor: '' })}>Newest entries</a>}
              {next === null ? null : <a href={href({ cursor: next })}>Older entries</a>}
            </nav>
          </>
        )}
      </Loaded>
    </Section>
  )
}

function eventCell({ event, outcome }: AuditEntry) {
  return (
    <span class="words">
      {eventText(event)} {outcome === 'refused' ? <Badge kind="bad">Refused</Badge> : null}
    </span>
  )
}

/** Who acted, or whom an entry is about; the link filters the log. */
function Party({ id, name }: { readonly id: string | null; readonly name: 'account' | 'actor' }) {
  const { href } = useQuery()
  if (id === null) return <>–</>
  const filter = <a href={href({ [name]: id, cursor: '' })}>{id === 'cli' ? 'Operator' : shortId(id)}</a>
  if (id === 'cli' || name === 'actor') return filter
  return (
    <>
      {filter} <a href={`${consolePath}/users/${id}`}>open</a>
    </>
  )
}

/** The end of an ID is random; its beginning is the time, which neighbours share. */
function shortId(id: string): string {
  return `…${id.slice(-12)}`
}
