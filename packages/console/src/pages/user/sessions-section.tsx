import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import type { operations } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Badge } from '../../ui/badge.js'
import { Button } from '../../ui/button.js'
import { type Column, DataTable } from '../../ui/data-table.js'
import { Loaded } from '../../ui/loaded.js'
import { Propagation } from '../../ui/propagation.js'
import { Section } from '../../ui/section.js'
import { Time } from '../../ui/time.js'

type Session = operations['listUserSessions']['responses'][200]['content']['application/json']['sessions'][number]

interface SessionsSectionProps {
  readonly id: string
  /** Loads again when it changes. */
  readonly version: number
}

/** The sessions of an account: those that live, and those that have ended within a day. */
export function SessionsSection({ id, version }: SessionsSectionProps) {
  const [ending, setEnding] = useState<Session>()
  const [isEndedShown, showEnded] = useState(false)
  const path = { id }
  const sessions = useAnswer(`sessions ${id} ${version}`, (signal) =>
    answer(api.GET('/v1/admin/users/{id}/sessions', { params: { path }, signal })),
  )
  const end: Column<Session> = {
    title: 'End',
    cell: (session) => (
      <Button label={`End the session of ${deviceOf(session)}`} onClick={() => setEnding(session)}>
        End…
      </Button>
    ),
  }
  return (
    <Section title="Sessions">
      <Loaded answer={sessions}>
        {(live) => (
          <DataTable
            caption="Sessions"
            columns={mayChange() ? [...columns, end] : columns}
            rows={live.sessions}
            rowKey={(session) => session.id}
            empty="No session of this account lives now."
          />
        )}
      </Loaded>
      <details class="ended-sessions" onToggle={({ currentTarget }) => showEnded(currentTarget.open)}>
        <summary>Sessions that have ended within the last day</summary>
        {isEndedShown ? <EndedSessions id={id} version={version} /> : null}
      </details>
      {ending === undefined ? null : (
        <EndDialog id={id} session={ending} onDone={sessions.reload} onClose={() => setEnding(undefined)} />
      )}
    </Section>
  )
}

function EndedSessions({ id, version }: SessionsSectionProps) {
  const [pages, setPages] = useState<readonly Session[]>([])
  const [cursor, setCursor] = useState<string | null>()
  const read = async (after: string | null | undefined, signal?: AbortSignal) => {
    const query = { ended: true, limit: 20, ...(typeof after === 'string' ? { cursor: after } : {}) }
    return answer(
      api.GET('/v1/admin/users/{id}/sessions', {
        params: { path: { id }, query },
        ...(signal === undefined ? {} : { signal }),
      }),
    )
  }
  const first = useAnswer(`ended ${id} ${version}`, async (signal) => {
    const page = await read(undefined, signal)
    setPages([])
    setCursor(page.next_cursor)
    return page
  })
  const more = async () => {
    const page = await read(cursor)
    setPages([...pages, ...page.sessions])
    setCursor(page.next_cursor)
  }
  return (
    <Loaded answer={first}>
      {({ sessions }) => (
        <>
          <DataTable
            caption="Ended sessions"
            columns={endedColumns}
            rows={[...sessions, ...pages]}
            rowKey={(session) => session.id}
            empty="None has ended within the last day. The audit log knows of earlier ones."
          />
          {typeof cursor === 'string' ? <Button onClick={more}>Load more</Button> : null}
        </>
      )}
    </Loaded>
  )
}

interface EndDialogProps {
  readonly id: string
  readonly session: Session
  readonly onDone: () => unknown
  readonly onClose: () => void
}

function EndDialog({ id, session, onDone, onClose }: EndDialogProps) {
  const run = async () => {
    const path = { id, session: session.id }
    await answer(api.DELETE('/v1/admin/users/{id}/sessions/{session}', { params: { path } }))
    onDone()
  }
  return (
    <ActionDialog
      title={`End the session of ${deviceOf(session)}`}
      confirmLabel="End the session"
      isDangerous
      run={run}
      result={() => (
        <>
          <p>The session has ended.</p>
          <Propagation />
        </>
      )}
      onClose={onClose}
    >
      <p>This sign-in and its tokens end now. The other sessions of the account continue.</p>
    </ActionDialog>
  )
}

const deviceOf = ({ device }: Session) => device ?? 'an unknown device'

const columns: readonly Column<Session>[] = [
  {
    title: 'Device',
    cell: (session) => (
      <>
        {deviceOf(session)} {session.current ? <Badge>this session</Badge> : null}
      </>
    ),
  },
  { title: 'Address', cell: ({ address }) => address ?? '–' },
  { title: 'Signed in', cell: ({ created_at }) => <Time at={created_at} /> },
  { title: 'Last use', cell: ({ last_used_at }) => <Time at={last_used_at} /> },
  { title: 'Authenticated by', cell: ({ amr, acr }) => `${amr.join(', ')} (${acr})` },
  {
    title: 'Grace uses',
    cell: ({ grace_uses, grace_used_at }) =>
      grace_uses === 0 ? (
        '0'
      ) : (
        <>
          {grace_uses}, <Time at={grace_used_at} />
        </>
      ),
    isNumber: true,
  },
]

/** The reasons for which sessions end, in words. */
const reasons: Readonly<Record<string, string>> = {
  logout: 'signed out',
  ended_by_user: 'ended by its owner',
  ended_by_admin: 'ended by an administrator',
  refresh_reuse: 'a refresh token was used twice',
  password_change: 'the password was changed',
  password_reset: 'the password was reset',
  disabled: 'the account was disabled',
  secret_leak: 'the secret had leaked',
  session_limit: 'too many sessions',
  token_revoke: 'the token was revoked',
  factor_change: 'a factor was changed',
  expired: 'expired',
}

const endedColumns: readonly Column<Session>[] = [
  { title: 'Device', cell: deviceOf },
  { title: 'Address', cell: ({ address }) => address ?? '–' },
  { title: 'Signed in', cell: ({ created_at }) => <Time at={created_at} /> },
  { title: 'Ended', cell: ({ ended_at }) => <Time at={ended_at} /> },
  { title: 'Reason', cell: ({ end_reason }) => reasons[end_reason ?? ''] ?? end_reason ?? '–' },
]
