import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { mayChange } from '../../administrator.js'
import { answer, api } from '../../api/client.js'
import { useAnswer } from '../../api/use-answer.js'
import { consolePath } from '../../base.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { Button } from '../../ui/button.js'
import { Facts } from '../../ui/facts.js'
import { Loaded } from '../../ui/loaded.js'
import { Propagation } from '../../ui/propagation.js'
import { Time } from '../../ui/time.js'
import { ChooseAccount, type ManagedAccount, useChosenAccount } from './choose-account.js'
import { Step } from './step.js'

interface AccountStepsProps {
  /** The steps after the end of the sessions. */
  readonly children: (account: ManagedAccount | undefined) => ComponentChildren
}

/** The first step of the guides for one account: choose it, and end its sessions and tokens. */
export function AccountSteps({ children }: AccountStepsProps) {
  const [id, choose] = useChosenAccount()
  const [isOpen, setOpen] = useState(false)
  const found = useAnswer(`account ${id}`, (signal) => readAccount(id, signal))
  const account = found.data?.account
  const open = ({ id: chosen }: ManagedAccount) => {
    choose(chosen)
    setOpen(true)
  }
  const dialog =
    isOpen && account !== undefined ? (
      <ActionDialog
        title={`End every session and token of ${account.email}`}
        confirmLabel="End them now"
        isDangerous
        run={async () => {
          await answer(api.POST('/v1/admin/users/{id}/revoke', { params: { path: { id: account.id } } }))
          await found.reload()
        }}
        result={() => (
          <>
            <p>Every session and token of {account.email} has ended.</p>
            <Propagation />
          </>
        )}
        onClose={() => setOpen(false)}
      >
        <ul>
          <li>Its signing secret is replaced, so that all of its tokens are refused, on every server.</li>
          <li>{sessionsText(found.data?.sessions ?? 0)} The owner can sign in again at once.</li>
          <li>No other account is affected. It cannot be undone.</li>
        </ul>
      </ActionDialog>
    ) : null
  return (
    <>
      <Step
        title="1. End every session and token of the account"
        isDone={found.data?.sessions === 0 ? true : undefined}
        dialog={dialog}
      >
        {id === undefined ? <ChooseAccount onChoose={open} /> : null}
        <Loaded answer={found}>
          {(known) =>
            known === null ? null : (
              <>
                <Facts
                  entries={[
                    [
                      'Account',
                      <a key="link" href={`${consolePath}/users/${known.account.id}`}>
                        {known.account.email}
                      </a>,
                    ],
                    ['Open sessions', String(known.sessions)],
                    ['Last sign-in', <Time key="time" at={known.account.last_login_at} />],
                  ]}
                />
                <div class="actions">
                  {mayChange() ? (
                    <Button kind="danger" onClick={() => setOpen(true)}>
                      End its sessions and tokens
                    </Button>
                  ) : null}
                  <Button onClick={() => choose(undefined)}>Another account</Button>
                </div>
              </>
            )
          }
        </Loaded>
      </Step>
      {children(account)}
    </>
  )
}

async function readAccount(id: string | undefined, signal: AbortSignal) {
  if (id === undefined) return null
  const params = { path: { id } }
  const [account, { sessions }] = await Promise.all([
    answer(api.GET('/v1/admin/users/{id}', { params, signal })),
    answer(api.GET('/v1/admin/users/{id}/sessions', { params, signal })),
  ])
  return { account, sessions: sessions.length }
}

function sessionsText(count: number): string {
  if (count === 0) return 'It has no open session.'
  return count === 1 ? '1 open session ends.' : `${count} open sessions end.`
}
