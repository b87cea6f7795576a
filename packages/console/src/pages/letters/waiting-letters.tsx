import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Badge } from '../../ui/badge.js'
import { Button } from '../../ui/button.js'
import { DataTable } from '../../ui/data-table.js'
import { Facts } from '../../ui/facts.js'
import { Loaded } from '../../ui/loaded.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'
import { useQuery } from '../../ui/use-query.js'
import { errorText } from './error-text.js'
import { kindText } from './letter-words.js'

type Waiting = operations['listLetters']['responses'][200]['content']['application/json']['letters'][number]

const states = {
  waiting: <Badge>Waiting</Badge>,
  sending: <Badge kind="good">Being sent</Badge>,
  delayed: <Badge kind="warning">Delayed</Badge>,
} as const

/** The letters in the outbox, which an administrator can hasten or drop. */
export function WaitingLetters() {
  const { get, href } = useQuery()
  const cursor = get('cursor')
  const [chosen, setChosen] = useState<{ readonly act: 'retry' | 'drop'; readonly letter: Waiting }>()
  const found = useAnswer(
    `waiting ${cursor}`,
    (signal) => answer(api.GET('/v1/admin/letters', { params: { query: cursor === '' ? {} : { cursor } }, signal })),
    { everyMs: 5000 },
  )
  return (
    <Section title="Outbox">
      <Loaded answer={found}>
        {({ enabled, waiting, next_due_at: nextDueAt, letters, next_cursor: next }) => (
          <>
            {enabled ? null : (
              <p class="notice">This server sends no e-mail: the setting LATCHKEY_SMTP_URL has no value.</p>
            )}
            <Facts
              entries={[
                ['Letters that wait', waiting >= 10_000 ? '10,000 or more' : waiting],
                ['Next attempt', <Time key="due" at={nextDueAt} full />],
              ]}
            />
            <DataTable
              caption="Letters that wait, oldest first"
              columns={[
                { title: 'Letter', cell: ({ kind }) => kindText(kind) },
                { title: 'To', cell: recipientCell },
                { title: 'State', cell: stateCell },
                { title: 'Attempts', cell: ({ attempts }) => attempts, isNumber: true },
                { title: 'Next attempt', cell: ({ due_at: dueAt }) => <Time at={dueAt} full /> },
                { title: 'Queued', cell: ({ created_at: createdAt }) => <Time at={createdAt} /> },
                {
                  title: 'Actions',
                  cell: (letter) =>
                    mayChange() ? (
                      <div class="actions">
                        <Button onClick={() => setChosen({ act: 'retry', letter })}>Retry now</Button>
                        <Button onClick={() => setChosen({ act: 'drop', letter })}>Drop</Button>
                      </div>
                    ) : (
                      '–'
                    ),
                },
              ]}
              rows={letters}
              rowKey={({ id }) => id}
              empty={<p>No letter waits. A letter is here from its cause until the mail server has taken it.</p>}
            />
            <nav class="actions" aria-label="Pages of the list">
              {cursor === '' ? null : <a href={href({ cursor: '' })}>Oldest letters</a>}
              {next === null ? null : <a href={href({ cursor: next })}>Later letters</a>}
            </nav>
          </>
        )}
      </Loaded>
      {chosen === undefined ? null : (
        <LetterAction
          {...chosen}
          onClose={() => {
            setChosen(undefined)
            void found.reload()
          }}
        />
      )}
    </Section>
  )
}

function recipientCell({ to, account }: Waiting) {
  if (account === null) return to ?? '–'
  return <a href={`${consolePath}/users/${account}`}>{to ?? 'the account'}</a>
}

function stateCell({ state, last_error: lastError }: Waiting) {
  return (
    <>
      {states[state]}
      {lastError === null ? null : <p class="hint">{errorText(lastError)}</p>}
    </>
  )
}

interface LetterActionProps {
  readonly act: 'retry' | 'drop'
  readonly letter: Waiting
  readonly onClose: () => void
}

function LetterAction({ act, letter: { id, kind, to }, onClose }: LetterActionProps) {
  const params = { params: { path: { id } } }
  const isDrop = act === 'drop'
  const run = async (): Promise<void> => {
    if (isDrop) await answer(api.DELETE('/v1/admin/letters/{id}', params))
    else await answer(api.POST('/v1/admin/letters/{id}/retry', params))
  }
  return (
    <ActionDialog
      title={isDrop ? 'Drop this letter?' : 'Send this letter now?'}
      confirmLabel={isDrop ? 'Drop' : 'Retry now'}
      isDangerous={isDrop}
      run={run}
      result={() => <p>{isDrop ? 'The letter was dropped.' : 'The letter is due now.'}</p>}
      onClose={onClose}
    >
      <p>
        {kindText(kind)}, to {to ?? 'an unknown recipient'}.
      </p>
      <p>
        {isDrop
          ? 'The letter is deleted and never sent. If it has a link, the person must ask for another one.'
          : 'The next attempt is made within a second, instead of at its due time. If it fails, the letter waits on.'}
      </p>
    </ActionDialog>
  )
}
