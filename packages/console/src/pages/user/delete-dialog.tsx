import { useState } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { answer, api } from '../../api/client.js'
import { ApiProblem } from '../../api/problem.js'
import { consolePath } from '../../base.js'
import { ActionDialog } from '../../ui/action-dialog.js'
import { TextField } from '../../ui/field.js'
import { Propagation } from '../../ui/propagation.js'
import type { UserDialogProps } from './user-actions.js'

/** Deletes an account, once its address has been typed. */
export function DeleteDialog({ user: { id, email }, onClose }: UserDialogProps) {
  const { route } = useLocation()
  const [typed, setTyped] = useState('')
  const [isDone, setDone] = useState(false)
  const run = async () => {
    if (typed.trim() !== email) throw notTyped
    await answer(api.DELETE('/v1/admin/users/{id}', { params: { path: { id } } }))
    setDone(true)
  }
  return (
    <ActionDialog
      title={`Delete ${email}`}
      confirmLabel="Delete the account"
      isDangerous
      isTyped
      run={run}
      result={() => (
        <>
          <p>The account is deleted.</p>
          <Propagation />
        </>
      )}
      onClose={isDone ? () => route(`${consolePath}/users`) : onClose}
    >
      <p>
        The account, its sessions, its factors and its secret are deleted, and every token ends now. This cannot be
        undone. The audit log keeps its entries.
      </p>
      <TextField
        label="Type the address of the account to confirm"
        value={typed}
        onChange={setTyped}
        autofocus
        attributes={{ autocomplete: 'off', placeholder: email }}
      />
    </ActionDialog>
  )
}

const notTyped = new ApiProblem({
  code: 'address_not_typed',
  title: 'This is not the address of the account.',
  hint: 'Type it as the title shows it. Nothing was deleted.',
  status: 400,
})
