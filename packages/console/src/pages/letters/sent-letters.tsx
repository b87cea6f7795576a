import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { Badge } from '../../ui/badge.js'
import { Button } from '../../ui/button.js'
import { DataTable } from '../../ui/data-table.js'
import { TextField } from '../../ui/field.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { useQuery } from '../../ui/use-query.js'
import { kindText } from './letter-words.js'

const outcomes = {
  sent: <Badge kind="good">Taken by the mail server</Badge>,
  failed: <Badge kind="bad">Given up</Badge>,
  withheld: <Badge kind="warning">Withheld: too many</Badge>,
  dropped: <Badge kind="warning">Dropped by an administrator</Badge>,
} as const

/** What became of the letters of the last 90 days. */
export function SentLetters() {
  const { get, set, href } = useQuery()
  const [account, cursor] = [get('account'), get('cursor')]
  const [text, setText] = useState(account)
  const query = { ...(account === '' ? {} : { account }), ...(cursor === '' ? {} : { cursor }) }
  const found = useAnswer(`sent ${JSON.stringify(query)}`, (signal) =>
    answer(api.GET('/v1/admin/letters/sent', { params: { query }, signal })),
  )
  return (
    <Section title="Letters of the last 90 days">
      <form
        class="toolbar"
        onSubmit={(event) => {
          event.preventDefault()
          set({ account: text.trim(), cursor: '' })
        }}
      >
        <TextField label="ID of an account" type="search" value={text} onChange={setText} />
        <Button type="submit">Filter</Button>
      </form>
      <Loaded answer={found}>
        {({ letters, next_cursor: next }) => (
          <>
            <DataTable
              caption="Letters that have left the outbox, newest first"
              columns={[
                { title: 'When', cell: ({ at }) => <Time at={at} full /> },
                { title: 'Letter', cell: ({ kind }) => kindText(kind) },
                {
                  title: 'Account',
                  cell: ({ account: id }) =>
                    id === null ? 'none' : <a href={`${consolePath}/users/${id}`}>…{id.slice(-12)}</a>,
                },
                { title: 'Outcome', cell: ({ outcome }) => outcomes[outcome] },
              ]}
              rows={letters}
              rowKey={({ id }) => id}
              empty={
                <p>
                  No letter yet. Each letter is recorded here when it leaves the outbox, without its text and its
                  address.
                </p>
              }
            />
            <nav class="actions" aria-label="Pages of the list">
              {cursor === '' ? null : <a href={href({ cursor: '' })}>Newest letters</a>}
              {next === null ? null : <a href={href({ cursor: next })}>Older letters</a>}
            </nav>
          </>
        )}
      </Loaded>
    </Section>
  )
}
