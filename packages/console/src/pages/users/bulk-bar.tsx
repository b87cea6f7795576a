import { useState } from 'preact/hooks'
import { Button } from '../../ui/button.js'
import { actionTexts, type UserAction, userActions } from './action-texts.js'
import { accounts, BulkDialog } from './bulk-dialog.js'
import type { User } from './use-user-list.js'

interface BulkBarProps {
  readonly selected: readonly User[]
  readonly onClear: () => void
  readonly onDone: () => void
}

/** The most accounts of one request of the API. */
const maxAccounts = 100

/** The actions on the selected accounts. */
export function BulkBar({ selected, onClear, onDone }: BulkBarProps) {
  // As they were when the dialog opened: an action may remove accounts from the list.
  const [opened, setOpened] = useState<{ readonly action: UserAction; readonly users: readonly User[] }>()
  const dialog =
    opened === undefined ? null : <BulkDialog {...opened} onClose={() => setOpened(undefined)} onDone={onDone} />
  if (selected.length === 0) return <>{dialog}</>
  const isTooMany = selected.length > maxAccounts
  return (
    <>
      <section class="bulk card" aria-label="Selected accounts">
        <p role="status">
          <strong>{accounts(selected.length)} selected</strong>
          {isTooMany ? ` – select at most ${maxAccounts}` : null}
        </p>
        <div class="actions">
          {userActions.map((name) => (
            <Button key={name} disabled={isTooMany} onClick={() => setOpened({ action: name, users: selected })}>
              {actionTexts[name].label}…
            </Button>
          ))}
          <Button onClick={onClear}>Clear selection</Button>
        </div>
      </section>
      {dialog}
    </>
  )
}
